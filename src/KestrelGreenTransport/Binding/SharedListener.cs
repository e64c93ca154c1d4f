using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// A listening socket with its pool and its acceptor, and the endpoints of the app that it answers: usually one, but
/// 127.0.0.1:8080 and [::1]:8080 may both be answered by an inherited [::]:8080.
///
/// The last endpoint to leave stops the accepting; whether the socket is closed then is its owner's to say.
/// </summary>
internal sealed class SharedListener(ListenSocket socket, ConnectionPool pool, IAcceptor acceptor, Func<SharedListener, ValueTask> abandoned)
{
    private int _users;

    public ListenSocket Socket => socket;

    public ConnectionPool Pool => pool;

    public IAcceptor Acceptor => acceptor;

    public GreenConnectionListener Join()
    {
        Interlocked.Increment(ref _users);
        return new GreenConnectionListener(this);
    }

    /// <summary>One endpoint stops listening. True when nobody accepts here any more.</summary>
    public async ValueTask<bool> LeaveAsync()
    {
        if (Interlocked.Decrement(ref _users) != 0)
        {
            return false;
        }

        await acceptor.UnbindAsync();
        await abandoned(this);
        return true;
    }
}
