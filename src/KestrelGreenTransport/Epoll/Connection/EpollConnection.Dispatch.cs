using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>What holds while the loop runs the app for an event of this connection.</summary>
internal sealed partial class EpollConnection
{
    // A client that sends faster than the app consumes would otherwise keep the loop to itself: after this much, counted
    // with at least a block for each receive, its next read waits until the other connections had their turn.
    private const int BytesPerTurn = 256 * 1024;
    private const int LeastPerReceive = 4096;

    private int _turn = int.MaxValue;
    private int _isWatched;

    /// <summary>
    /// Enters the descriptor into the epoll set, once, for all that may happen to it.
    ///
    /// Not before somebody waits for it: Kestrel starts each connection on the thread pool, and what arrived before its
    /// first read there would be an event in vain, and then a second one to bring the read to the loop.
    /// </summary>
    public void EnsureWatched()
    {
        if (_isWatched != 0 || Interlocked.Exchange(ref _isWatched, 1) != 0)
        {
            return;
        }

        // Whoever looks at ConnectionClosed may come when the number is another client's already.
        Writer.IfOpen(static connection => connection.Watch());
    }

    /// <summary>
    /// Whether the calling thread may receive and go on with the app at once. Where the app runs inline that is only a thread
    /// of the loop: a request that began on the thread pool would block it there, out of the guard's sight, and starve it.
    /// </summary>
    public bool MayReceiveNow() => _turn > 0 && (!RunsInline || LoopThread.Current?.Loop == _loop);

    public void OnReceived(nint bytes)
    {
        Activity.Arrived();
        _turn -= Math.Max((int)bytes, LeastPerReceive);
    }

    /// <summary>A read that may not receive now waits for its next turn on the loop.</summary>
    public void Defer() => _loop.Defer(ConnectionTable.DataOf(_index, _generation));

    public void BeginDispatch(LoopThread thread)
    {
        _turn = BytesPerTurn;
        Writer.BeginDispatch(thread);
    }

    public void OnEvents(uint events)
    {
        if ((events & (EpollCalls.EPOLLOUT | EpollCalls.EPOLLHUP | EpollCalls.EPOLLERR)) != 0)
        {
            Writer.OnEvents();
        }

        if ((events & ~EpollCalls.EPOLLOUT) != 0)
        {
            Reader.OnEvents(events);
        }

        if (HasTold)
        {
            LetGo();
        }
    }

    public void EndDispatch()
    {
        _turn = int.MaxValue;
        Writer.EndDispatch();
    }

    public void Uncork()
    {
        _turn = int.MaxValue;
        Writer.Uncork();
    }

    private void Watch()
    {
        const uint All = EpollCalls.EPOLLIN | EpollCalls.EPOLLOUT | EpollCalls.EPOLLRDHUP | EpollCalls.EPOLLET;
        var watched = _loop.Watch(Descriptor, All, ConnectionTable.DataOf(_index, _generation));
        if (!watched.Ok)
        {
            Abort(new IOException($"epoll_ctl: {watched.Message} (errno {watched.Error}). The connection cannot be served."));
        }
    }
}
