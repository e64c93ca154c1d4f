namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>Something other than a connection that a loop watches.</summary>
internal interface ILoopSource
{
    /// <summary>The descriptor has events. On the loop's thread.</summary>
    void OnEvents(uint events);
}
