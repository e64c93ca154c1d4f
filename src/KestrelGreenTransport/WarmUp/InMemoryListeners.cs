using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// An <see cref="InMemoryListener"/> for each endpoint of the app: a worker sends itself requests through it before its gate
/// opens. A DI singleton; only a worker that starts behind a closed gate has any, and they close when it opens.
/// </summary>
internal sealed class InMemoryListeners(bool any = false)
{
    private readonly Lock _lock = new();
    private readonly List<InMemoryListener> _listeners = [];
    private bool _areClosed = !any;

    /// <summary>A listener for a new endpoint; null once they are closed.</summary>
    public InMemoryListener? Add()
    {
        lock (_lock)
        {
            if (_areClosed)
            {
                return null;
            }

            var listener = new InMemoryListener();
            _listeners.Add(listener);
            return listener;
        }
    }

    /// <summary>All of them; empty once they are closed.</summary>
    public IReadOnlyList<InMemoryListener> All()
    {
        lock (_lock)
        {
            return _areClosed ? [] : [.. _listeners];
        }
    }

    /// <summary>Closes them: from now on accepting takes the short path.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _areClosed = true;
            _listeners.ForEach(static listener => listener.Close());
            _listeners.Clear();
        }
    }
}

/// <summary>A way into one endpoint that needs no socket.</summary>
internal sealed class InMemoryListener
{
    private readonly Channel<ConnectionContext> _connections = Channel.CreateUnbounded<ConnectionContext>();

    public bool IsClosed { get; private set; }

    /// <summary>False if it is closed.</summary>
    public bool TryConnect(ConnectionContext connection) => _connections.Writer.TryWrite(connection);

    /// <summary>The next connection; null if none has come.</summary>
    public ConnectionContext? Next() => _connections.Reader.TryRead(out var connection) ? connection : null;

    /// <summary>Completes when a connection has come, or the listener was closed.</summary>
    public Task WaitAsync() => _connections.Reader.WaitToReadAsync().AsTask();

    public void Close()
    {
        IsClosed = true;
        _connections.Writer.TryComplete();
    }
}
