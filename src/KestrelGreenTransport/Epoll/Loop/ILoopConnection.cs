using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>A connection as its loop sees it.</summary>
internal interface ILoopConnection : IServedConnection
{
    /// <summary>
    /// An event is about to be served on this thread. While nobody can take the loop: a thread that does later finds what
    /// is held back from here on.
    /// </summary>
    void BeginDispatch(LoopThread thread);

    /// <summary>The descriptor has events. On the thread that <see cref="BeginDispatch"/> was told of, which may lose the loop meanwhile.</summary>
    void OnEvents(uint events);

    /// <summary>The event is over, and the thread that served it leads the loop still.</summary>
    void EndDispatch();

    /// <summary>
    /// The thread that serves an event has lost the loop: what was written so far must not wait for the rest. For the thread
    /// that leads from now on, before it does anything else.
    /// </summary>
    void Uncork();
}
