namespace KestrelGreenTransport.Draining;

/// <summary>
/// Which idle connections a drain ends, and when. It decides purely; acting is the <see cref="DrainService"/>'s.
///
/// A connection that was used a moment ago probably carries the next request already: it gets a linger from its last
/// sign of life, and whatever it asks meanwhile is answered and tells it to close. One that has been idle for longer ends
/// soon, oldest first, a few in each pass, so that not all clients reconnect to the siblings at once.
/// </summary>
internal sealed class DrainPlan
{
    /// <summary>How long a connection must have been quiet before it is ended.</summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    /// <summary>From one pass over the connections to the next.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly TimeProvider _time;
    private readonly long _start;

    public DrainPlan(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
    }

    /// <summary>The connections to end in the pass that begins now.</summary>
    /// <param name="idle">Connections without a request in flight.</param>
    /// <param name="quietSince">Timestamp of a connection's last sign of life.</param>
    public IReadOnlyList<T> Choose<T>(IEnumerable<T> idle, Func<T, long> quietSince)
    {
        var now = _time.GetTimestamp();
        T[] due = [.. idle.Where(one => _time.GetElapsedTime(quietSince(one), now) >= Linger).OrderBy(quietSince)];
        return due.Length == 0 ? due : due[..QuotaOf(due.Length, _time.GetElapsedTime(_start, now))];
    }

    // In equal parts over the linger; after that all at once.
    private static int QuotaOf(int due, TimeSpan elapsed)
    {
        var passesLeft = Math.Max(1, (Linger - elapsed) / Tick);
        return (int)Math.Ceiling(due / passesLeft);
    }
}
