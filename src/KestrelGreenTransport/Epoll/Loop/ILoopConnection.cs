using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>A connection as its loop sees it.</summary>
internal interface ILoopConnection : IServedConnection
{
    /// <summary>
    /// An event is about to be served on this thread. Called while the loop cannot be taken over: a thread that takes it later
    /// finds what is held back from here on.
    /// </summary>
    void BeginDispatch(LoopThread thread);

    /// <summary>The descriptor has events. Runs on the thread passed to <see cref="BeginDispatch"/>, which may lose the loop during the call.</summary>
    void OnEvents(uint events);

    /// <summary>The event is over, and the thread that served it still leads the loop.</summary>
    void EndDispatch();

    /// <summary>
    /// The thread that serves an event has lost the loop: send what was written so far without waiting for the rest. For the
    /// new leader, before it does anything else.
    /// </summary>
    void Uncork();
}
