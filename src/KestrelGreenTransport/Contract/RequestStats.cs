using System.Collections.Immutable;
using System.Runtime.InteropServices;

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

    public static readonly RequestStats None = new(0, 0, 0, ImmutableCollectionsMarshal.AsImmutableArray(new long[UpperBounds.Length + 1]));

    public static RequestStats operator +(RequestStats one, RequestStats other) => one.Plus(other, 1);

    public static RequestStats operator -(RequestStats one, RequestStats earlier) => one.Plus(earlier, -1);

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

    // Loops, here and below: each worker runs this at its start, and the runtime would first compile some 40 methods of queries over numbers.
    private RequestStats Plus(RequestStats other, int sign)
    {
        var buckets = new long[Buckets.Length];
        for (var i = 0; i < buckets.Length; i++)
        {
            buckets[i] = Buckets[i] + (sign * other.Buckets[i]);
        }

        return new RequestStats(
            Count + (sign * other.Count), Failed + (sign * other.Failed), Nanoseconds + (sign * other.Nanoseconds), ImmutableCollectionsMarshal.AsImmutableArray(buckets));
    }

    private static ImmutableArray<double> Bounds()
    {
        // Divided, so that 0.0025 is exactly the number that people write.
        double[] series = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800];
        var bounds = new double[(6 * series.Length) + 1];
        var divisor = 1_000_000.0;
        for (var i = 0; i < bounds.Length - 1; i++)
        {
            bounds[i] = series[i % series.Length] / divisor;
            divisor = (i + 1) % series.Length == 0 ? divisor / 10 : divisor;
        }

        bounds[^1] = 100;
        return ImmutableCollectionsMarshal.AsImmutableArray(bounds);
    }
}
