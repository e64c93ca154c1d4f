namespace LoadGenerator;

/// <summary>
/// Response times, in classes that are each five per cent wider than the one before, so that a percentile is exact to five per
/// cent for any number of answers. Not thread-safe.
/// </summary>
public sealed class LatencyHistogram
{
    private const double Growth = 1.05;

    // From a microsecond to an hour.
    private static readonly int Classes = ClassOf(TimeSpan.FromHours(1)) + 1;

    private readonly long[] _counts = new long[Classes];
    private long _count;

    public void Add(TimeSpan duration)
    {
        _counts[Math.Min(ClassOf(duration), Classes - 1)]++;
        _count++;
    }

    /// <summary>The time within which this percentage of the answers came; zero if there was none.</summary>
    public TimeSpan Percentile(double percent)
    {
        var wanted = Math.Max(1, (long)Math.Ceiling(_count * percent / 100));
        for (var (index, seen) = (0, 0L); index < Classes; index++)
        {
            seen += _counts[index];
            if (seen >= wanted)
            {
                return TimeSpan.FromMicroseconds(Math.Pow(Growth, index));
            }
        }

        return TimeSpan.Zero;
    }

    private static int ClassOf(TimeSpan duration) => (int)Math.Ceiling(Math.Log(Math.Max(1, duration.TotalMicroseconds), Growth));
}
