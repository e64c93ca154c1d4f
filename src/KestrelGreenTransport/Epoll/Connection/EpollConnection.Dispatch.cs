using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>The connection's state while the loop runs the app for one of its events.</summary>
internal sealed partial class EpollConnection
{
    // Without a limit a client that sends faster than the app consumes would keep the loop to itself. After this many bytes,
    // with each receive counted as at least LeastPerReceive, the next read waits until the other connections had their turn.
    private const int BytesPerTurn = 256 * 1024;
    private const int LeastPerReceive = 4096;

    private int _turn = int.MaxValue;
    private int _isWatched;

    /// <summary>
    /// Adds the descriptor to the epoll set, once, for all events.
    ///
    /// Not before something waits for an event: Kestrel starts each connection on the thread pool, and bytes that arrive before
    /// its first read would cause one useless event, and then a second one to bring the read to the loop.
    /// </summary>
    public void EnsureWatched()
    {
        if (_isWatched != 0 || Interlocked.Exchange(ref _isWatched, 1) != 0)
        {
            return;
        }

        // A caller that reads ConnectionClosed may come so late that the descriptor's number belongs to another client.
        Writer.IfOpen(static connection => connection.Watch());
    }

    /// <summary>
    /// Whether the calling thread may receive and continue the app at once. Where the app runs inline, only a thread of the
    /// loop may: a request that began on the thread pool would block a pool thread, which the guard does not watch.
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
