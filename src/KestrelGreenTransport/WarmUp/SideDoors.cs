using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// A way into each endpoint of the app that needs no socket: a worker uses it to send itself a request before its gate
/// opens. A DI singleton; only a worker that starts behind a closed gate has doors, and they shut when it opens.
/// </summary>
internal sealed class SideDoors(bool any = false)
{
    private readonly Lock _lock = new();
    private readonly List<SideDoor> _doors = [];
    private bool _areShut = !any;

    /// <summary>A door for a new endpoint; null if there are none.</summary>
    public SideDoor? Add()
    {
        lock (_lock)
        {
            if (_areShut)
            {
                return null;
            }

            var door = new SideDoor();
            _doors.Add(door);
            return door;
        }
    }

    /// <summary>All doors; empty once they are shut.</summary>
    public IReadOnlyList<SideDoor> Open()
    {
        lock (_lock)
        {
            return _areShut ? [] : [.. _doors];
        }
    }

    /// <summary>Shuts the doors: from now on accepting takes the short path.</summary>
    public void Shut()
    {
        lock (_lock)
        {
            _areShut = true;
            _doors.ForEach(static door => door.Shut());
            _doors.Clear();
        }
    }
}

/// <summary>The way into one endpoint.</summary>
internal sealed class SideDoor
{
    private readonly Channel<ConnectionContext> _visitors = Channel.CreateUnbounded<ConnectionContext>();

    public bool IsShut { get; private set; }

    /// <summary>False if it is shut.</summary>
    public bool TryEnter(ConnectionContext visitor) => _visitors.Writer.TryWrite(visitor);

    /// <summary>The next connection; null if none has come.</summary>
    public ConnectionContext? Next() => _visitors.Reader.TryRead(out var visitor) ? visitor : null;

    /// <summary>Completes when a connection has come, or the door was shut.</summary>
    public Task WaitAsync() => _visitors.Reader.WaitToReadAsync().AsTask();

    public void Shut()
    {
        IsShut = true;
        _visitors.Writer.TryComplete();
    }
}
