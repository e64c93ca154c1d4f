using System.Collections.Immutable;

namespace KestrelGreenTransport.Contract;

/// <summary>
/// Requests that were answered, and how long they took, as a histogram: a worker reports it, the supervisor adds it up.
/// Percentiles of several workers come from added buckets, never from an average of percentiles.
/// </summary>
/// <param name="Count">Requests answered.</param>
/// <param name="Failed">Those with a status of 500 or above.</param>
/// <param name="Nanoseconds">The sum of their durations.</param>
/// <param name="Buckets">How many took at most <see cref="UpperBounds"/>[i] and more than the one before; the last bucket has no bound.</param>
internal sealed record RequestStats(long Count, long Failed, long Nanoseconds, ImmutableArray<long> Buckets)
{
    /// <summary>In seconds: ten per decade from 100 µs to 100 s (the R10 series), so that a percentile is right within a quarter.</summary>
    public static readonly ImmutableArray<double> UpperBounds = Bounds();

    public static readonly RequestStats None = new(0, 0, 0, [.. new long[UpperBounds.Length + 1]]);

    public static RequestStats operator +(RequestStats one, RequestStats other) => new(
        one.Count + other.Count, one.Failed + other.Failed, one.Nanoseconds + other.Nanoseconds, [.. one.Buckets.Zip(other.Buckets, static (a, b) => a + b)]);

    public static RequestStats operator -(RequestStats one, RequestStats earlier) => new(
        one.Count - earlier.Count, one.Failed - earlier.Failed, one.Nanoseconds - earlier.Nanoseconds, [.. one.Buckets.Zip(earlier.Buckets, static (a, b) => a - b)]);

    /// <summary>The bucket that a duration belongs to.</summary>
    public static int BucketOf(double seconds)
    {
        var found = UpperBounds.AsSpan().BinarySearch(seconds);
        return found >= 0 ? found : ~found;
    }

    /// <summary>The duration in seconds that this share of the requests did not exceed; null if there are no requests.</summary>
    public double? Quantile(double share)
    {
        // Not Sum, which throws if several workers together claim more than a long can hold.
        var total = Buckets.Aggregate(0L, static (sum, bucket) => sum + bucket);
        if (total <= 0)
        {
            return null;
        }

        var rank = share * total;
        long seen = 0;
        for (var i = 0; i < UpperBounds.Length; i++)
        {
            if (Buckets[i] > 0 && seen + Buckets[i] >= rank)
            {
                var from = i == 0 ? 0 : UpperBounds[i - 1];
                return from + ((UpperBounds[i] - from) * (rank - seen) / Buckets[i]);
            }

            seen += Buckets[i];
        }

        // Longer than the longest bound; no more is known.
        return UpperBounds[^1];
    }

    private static ImmutableArray<double> Bounds()
    {
        // As decimals, so that 0.0025 is exactly the number that people write.
        decimal[] series = [1m, 1.25m, 1.6m, 2m, 2.5m, 3.15m, 4m, 5m, 6.3m, 8m];
        decimal[] decades = [0.0001m, 0.001m, 0.01m, 0.1m, 1m, 10m];
        return [.. decades.SelectMany(decade => series.Select(step => (double)(decade * step))), 100];
    }
}
