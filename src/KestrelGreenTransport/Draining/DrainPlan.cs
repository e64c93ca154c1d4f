namespace KestrelGreenTransport.Draining;

/// <summary>
/// Which idle connections a drain ends, and when. It decides purely; acting is the <see cref="DrainService"/>'s.
///
/// A connection that was used a moment ago probably carries the next request already: it gets a linger from its last
/// sign of life, and whatever it asks meanwhile is answered and tells it to close. One that has been idle for longer ends
/// soon, oldest first, a few in each pass, so that not all clients reconnect to the siblings at once.
///
/// A client that comes every two seconds will come again in two seconds, perhaps in the very moment of the end, and then
/// its request would be lost: a connection that has rested between requests before gets twice its longest rest. One that has
/// asked for nothing yet came to ask: its client may only be slow, and gets the longest linger.
/// </summary>
internal sealed class DrainPlan
{
    /// <summary>How long a connection must have been quiet before it is ended, at least.</summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    /// <summary>The same, at most, where the limit of the drain leaves room for it.</summary>
    public static readonly TimeSpan LongestLinger = TimeSpan.FromSeconds(3);

    /// <summary>From one pass over the connections to the next.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly TimeProvider _time;
    private readonly TimeSpan _longest;
    private readonly bool _lingers;
    private readonly long _start;

    /// <param name="time">The clock.</param>
    /// <param name="limit">When the drain ends by force: half of it may go by in waiting for who rests.</param>
    /// <param name="lingers">Whether clients get time to come again; else all that is idle ends at once.</param>
    public DrainPlan(TimeProvider time, TimeSpan limit, bool lingers = true)
    {
        _lingers = lingers;
        _time = time;
        _longest = TimeSpan.FromTicks(Math.Clamp(limit.Ticks / 2, Linger.Ticks, LongestLinger.Ticks));
        _start = time.GetTimestamp();
    }

    /// <summary>The connections to end in the pass that begins now.</summary>
    /// <param name="idle">Connections without a request in flight.</param>
    /// <param name="quietSince">Timestamp of a connection's last sign of life.</param>
    /// <param name="longestRest">How long a connection has rested between two requests, at most; null where none has come yet.</param>
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

    // In equal parts over the linger; after that all at once.
    private static int QuotaOf(int due, TimeSpan elapsed)
    {
        var passesLeft = Math.Max(1, (Linger - elapsed) / Tick);
        return (int)Math.Ceiling(due / passesLeft);
    }
}
