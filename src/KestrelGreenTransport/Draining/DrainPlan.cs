namespace KestrelGreenTransport.Draining;

/// <summary>
/// Which idle connections a drain ends, and when. Decides purely; <see cref="DrainService"/> acts.
///
/// A connection that was used a moment ago probably carries the next request already: it lingers from its last activity,
/// and a request that comes in that time is answered and tells the client to close. A connection that has been idle for
/// longer ends soon, oldest first, a few in each pass, so that not all clients reconnect to the siblings at once.
///
/// A client that comes every two seconds will come again in two seconds, perhaps at the very moment of the end, and then
/// its request would be lost. So a connection that has rested between requests before gets twice its longest rest. A client
/// without any request yet came to ask and may only be slow: it gets the longest linger.
/// </summary>
internal sealed class DrainPlan
{
    /// <summary>The shortest time that a connection must have been quiet before it is ended.</summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    /// <summary>The longest such time, if the limit of the drain leaves room for it.</summary>
    public static readonly TimeSpan LongestLinger = TimeSpan.FromSeconds(3);

    /// <summary>The time from one pass over the connections to the next.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly TimeProvider _time;
    private readonly TimeSpan _longest;
    private readonly bool _lingers;
    private readonly long _start;

    /// <param name="time">The clock.</param>
    /// <param name="limit">When the drain ends by force: at most half of it is spent waiting for resting clients.</param>
    /// <param name="lingers">Whether clients get time to come again; if not, all idle connections end at once.</param>
    public DrainPlan(TimeProvider time, TimeSpan limit, bool lingers = true)
    {
        _lingers = lingers;
        _time = time;
        _longest = TimeSpan.FromTicks(Math.Clamp(limit.Ticks / 2, Linger.Ticks, LongestLinger.Ticks));
        _start = time.GetTimestamp();
    }

    /// <summary>The connections to end in the pass that begins now.</summary>
    /// <param name="idle">Connections without a request in flight.</param>
    /// <param name="quietSince">Timestamp of a connection's last activity.</param>
    /// <param name="longestRest">The longest rest of a connection between two requests; null if it had no request yet.</param>
    public IReadOnlyList<T> Choose<T>(IEnumerable<T> idle, Func<T, long> quietSince, Func<T, TimeSpan?> longestRest)
    {
        if (!_lingers)
        {
            return [.. idle];
        }

        var now = _time.GetTimestamp();
        T[] due = [.. idle.Where(one => _time.GetElapsedTime(quietSince(one), now) >= LingerAfter(longestRest(one))).OrderBy(quietSince)];
        return due.Length == 0 ? due : due[..QuotaOf(due.Length, _time.GetElapsedTime(_start, now))];
    }

    private TimeSpan LingerAfter(TimeSpan? longestRest)
    {
        if (longestRest is not { } rest || rest > _longest)
        {
            return _longest;
        }

        return TimeSpan.FromTicks(Math.Clamp(2 * rest.Ticks, Linger.Ticks, _longest.Ticks));
    }

    // Spread evenly over the linger; after that all at once.
    private static int QuotaOf(int due, TimeSpan elapsed)
    {
        var passesLeft = Math.Max(1, (Linger - elapsed) / Tick);
        return (int)Math.Ceiling(due / passesLeft);
    }
}
