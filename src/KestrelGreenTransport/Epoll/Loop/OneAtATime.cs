using System.Diagnostics;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// Asserts, in debug builds, that something with one owner at a time, and therefore no lock, is never used by two threads at
/// once. In release builds it does nothing.
/// </summary>
internal struct OneAtATime
{
    private int _inside;

    [Conditional("DEBUG")]
    public void Enter(string what)
    {
        if (Interlocked.Exchange(ref _inside, 1) != 0)
        {
            Debug.Fail($"Two threads at once in {what}: it has no lock because it has one owner.");
        }
    }

    [Conditional("DEBUG")]
    public void Leave() => Volatile.Write(ref _inside, 0);
}
