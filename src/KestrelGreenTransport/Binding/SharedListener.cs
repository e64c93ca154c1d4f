using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// A listening socket with its pool, its acceptor, and the app's endpoints that it answers: usually one, but an inherited
/// [::]:8080 may answer both 127.0.0.1:8080 and [::1]:8080.
///
/// The last endpoint to unbind stops accepting and closes the socket; the last one to be disposed ends the rest.
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

    /// <summary>Adds an endpoint; null if the last one has already left.</summary>
    /// <param name="inMemory">The listener of the warm-up; null for none.</param>
    public GreenConnectionListener? Join(InMemoryListener? inMemory)
    {
        lock (_lock)
        {
            if (_alive != 0 && _bound == 0)
            {
                return null;
            }

            _bound++;
            _alive++;
            return new GreenConnectionListener(this, inMemory);
        }
    }

    /// <summary>One endpoint stops listening. True if no endpoint accepts here any more.</summary>
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
    /// Clients that begin to connect get no answer from now on, if the kernel can tell them apart; clients that are already
    /// connecting still get through.
    /// </summary>
    public void DropNewClients()
    {
        // Under the lock: once it is closed, its number may belong to another socket.
        lock (_lock)
        {
            if (!_isClosed && OperatingSystem.IsLinux() && socket.EndPoint is IPEndPoint)
            {
                _ = ListenerCalls.DropNewClients(socket.Descriptor);
            }
        }
    }

    /// <summary>Whether a client waits in the kernel's queue, which is lost once the socket is closed.</summary>
    public bool HasWaiting()
    {
        lock (_lock)
        {
            return !_isClosed && socket.Socket.Poll(0, SelectMode.SelectRead);
        }
    }

    /// <summary>
    /// Stops listening before Kestrel asks for it; Kestrel then finds nothing left to do. New clients are refused. All callers
    /// return once the acceptor has released the socket and it is closed.
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

    /// <summary>One endpoint, already unbound, is done with its connections.</summary>
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
