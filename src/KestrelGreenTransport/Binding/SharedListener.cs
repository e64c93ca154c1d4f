using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// A listening socket with its pool and its acceptor, and the endpoints of the app that it answers: usually one, but
/// 127.0.0.1:8080 and [::1]:8080 may both be answered by an inherited [::]:8080.
///
/// The last endpoint to unbind stops the accepting and closes the socket; the last to be disposed ends the rest.
/// </summary>
internal sealed class SharedListener(ListenSocket socket, ConnectionPool pool, IAcceptor acceptor, Action<SharedListener> disposed)
{
    private readonly Lock _lock = new();
    private int _bound;
    private int _alive;

    public ListenSocket Socket => socket;

    public ConnectionPool Pool => pool;

    public IAcceptor Acceptor => acceptor;

    /// <summary>One more endpoint, or null when the last one has left already.</summary>
    public GreenConnectionListener? Join()
    {
        lock (_lock)
        {
            if (_alive != 0 && _bound == 0)
            {
                return null;
            }

            _bound++;
            _alive++;
            return new GreenConnectionListener(this);
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

        await acceptor.UnbindAsync();
        socket.Dispose();
        return true;
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
