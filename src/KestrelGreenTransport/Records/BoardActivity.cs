namespace KestrelGreenTransport.Records;

/// <summary>
/// Lets the beat thread sleep while nothing happens. Code that changes a figure of the board touches this afterwards: that
/// costs one read of a cache line that is hardly ever written, and a wake-up only if the beat thread sleeps.
/// </summary>
internal sealed class BoardActivity(Action wake)
{
    private int _asleep;

    public void Touch()
    {
        if (Volatile.Read(ref _asleep) != 0 && Interlocked.Exchange(ref _asleep, 0) != 0)
        {
            wake();
        }
    }

    /// <summary>
    /// From now on a touch wakes. The beat thread calls this before its last look at the figures: a change after that look
    /// finds it asleep.
    /// </summary>
    public void FallAsleep() => Interlocked.Exchange(ref _asleep, 1);

    public void WakeUp() => Volatile.Write(ref _asleep, 0);
}
