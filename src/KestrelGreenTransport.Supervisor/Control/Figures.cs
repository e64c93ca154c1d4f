using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>Everything known at one moment: the status, and the requests answered by each worker.</summary>
internal sealed record Figures
{
    /// <summary>The supervisor's monotonic clock in seconds, to compute the time between two figures.</summary>
    public required double At { get; init; }

    public required StatusDocument Status { get; init; }

    public required IReadOnlyList<WorkerRequests> Requests { get; init; }

    public RequestStats Total() => Requests.Aggregate(RequestStats.None, static (sum, one) => sum + one.ToStats());

    /// <summary>What all workers answered since an earlier moment.</summary>
    public Rates Since(Figures before) => Rates.Between(before.Total(), Total(), At - before.At);

    /// <summary>What one worker answered since an earlier moment.</summary>
    public Rates Since(Figures before, int index) => Rates.Between(before.Of(index), Of(index), At - before.At);

    public RequestStats Of(int index) => Requests.FirstOrDefault(one => one.Index == index)?.ToStats() ?? RequestStats.None;
}

/// <summary>Requests answered at a worker index, by all processes that had it.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Count">Requests answered.</param>
/// <param name="Failed">Requests answered with a status of 500 or above.</param>
/// <param name="Nanoseconds">The sum of their durations.</param>
/// <param name="Buckets">By <see cref="RequestStats.UpperBounds"/>.</param>
internal sealed record WorkerRequests(int Index, long Count, long Failed, long Nanoseconds, IReadOnlyList<long> Buckets)
{
    public static WorkerRequests Of(int index, RequestStats stats) => new(index, stats.Count, stats.Failed, stats.Nanoseconds, stats.Buckets);

    public RequestStats ToStats() => new(Count, Failed, Nanoseconds, [.. Buckets]);
}

/// <summary>What happened between two moments.</summary>
/// <param name="RequestsPerSecond">Requests answered.</param>
/// <param name="FailedPerSecond">Requests answered with a status of 500 or above.</param>
/// <param name="P50">The median duration in seconds; null when there were no requests.</param>
/// <param name="P99">The 99th percentile of the duration in seconds; null when there were no requests.</param>
internal sealed record Rates(double RequestsPerSecond, double FailedPerSecond, double? P50, double? P99)
{
    public static Rates Between(RequestStats before, RequestStats now, double seconds)
    {
        var passed = now - before;
        return passed.Count < 0 || seconds <= 0
            ? new Rates(0, 0, null, null)
            : new Rates(passed.Count / seconds, passed.Failed / seconds, passed.Quantile(0.5), passed.Quantile(0.99));
    }
}
