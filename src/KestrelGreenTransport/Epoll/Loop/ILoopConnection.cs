using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>A connection as its loop sees it.</summary>
internal interface ILoopConnection : IServedConnection
{
    /// <summary>The descriptor has events. On the loop's thread.</summary>
    void OnEvents(LoopThread thread, uint events);

    /// <summary>The thread that ran the app for an event has lost the loop: what was written so far must not wait for the rest.</summary>
    void Uncork();
}
