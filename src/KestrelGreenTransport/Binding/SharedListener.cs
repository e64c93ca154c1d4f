using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// A listening socket with its pool and its acceptor, and the endpoints of the app that it answers: usually one, but
/// 127.0.0.1:8080 and [::1]:8080 may both be answered by an inherited [::]:8080.
///
/// The last endpoint to unbind stops the accepting and closes the socket; the last to be disposed ends the rest.
/// </summary>
internal sealed class SharedListener(ListenSocket socket, ConnectionPool pool, IAcceptor acceptor, IDisposable[] reclaims, Action<SharedListener> disposed)
{
    private readonly Lock _lock = new();
    private int _bound;
    private int _alive;
    private TaskCompletionSource? _ended;
    private bool _isClosed;

    public ListenSocket Socket => socket;

    public ConnectionPool Pool => pool;

    public IAcceptor Acceptor => acceptor;

    /// <summary>One more endpoint, or null when the last one has left already.</summary>
    /// <param name="door">A second way to it; null for none.</param>
    public GreenConnectionListener? Join(SideDoor? door)
    {
        lock (_lock)
        {
            if (_alive != 0 && _bound == 0)
            {
                return null;
            }

            _bound++;
            _alive++;
            return new GreenConnectionListener(this, door);
        }
    }

    /// <summary>One endpoint stops listening. True when nobody accepts here any more.</summary>
    public async ValueTask<bool> UnbindAsync()
    {
        lock (_lock)
        {
            if (--_bound != 0)
            {
                return false;
            }
        }

        await EndAsync();
        return true;
    }

    /// <summary>
    /// Where the kernel can tell the two apart, clients that begin to connect get no answer from now on; those that are
    /// connecting still come through.
    /// </summary>
    public void DropNewClients()
    {
        // Under the lock: once it is closed, another socket may have its number.
        lock (_lock)
        {
            if (!_isClosed && OperatingSystem.IsLinux() && socket.EndPoint is IPEndPoint)
            {
                _ = ListenerCalls.DropNewClients(socket.Descriptor);
            }
        }
    }

    /// <summary>Whether a client waits in the kernel's queue, of which nothing is left once the socket is closed.</summary>
    public bool HasWaiting()
    {
        lock (_lock)
        {
            return !_isClosed && socket.Socket.Poll(0, SelectMode.SelectRead);
        }
    }

    /// <summary>
    /// Stops listening before Kestrel asks for it, which then finds nothing left to do. New clients are refused. The socket is
    /// closed once the acceptor has let go of it, whichever of several callers came first.
    /// </summary>
    public async Task EndAsync()
    {
        TaskCompletionSource? before;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            before = _ended;
            _ended ??= ended;
        }

        if (before is not null)
        {
            await before.Task;
            return;
        }

        try
        {
            Array.ForEach(reclaims, static reclaim => reclaim.Dispose());
            await acceptor.UnbindAsync();
        }
        finally
        {
            lock (_lock)
            {
                _isClosed = true;
                socket.Dispose();
            }

            ended.SetResult();
        }
    }

    /// <summary>One endpoint, unbound before, is done with its connections.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (--_alive != 0)
            {
                return;
            }
        }

        await acceptor.DisposeAsync();
        disposed(this);
    }
}
