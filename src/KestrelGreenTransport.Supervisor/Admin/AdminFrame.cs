using System.Text.Json.Serialization;
using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>What the page shows at one moment.</summary>
/// <param name="Status">As in <c>green status --json</c>.</param>
/// <param name="Total">All workers together, over the last seconds.</param>
/// <param name="Workers">By worker index, over the last seconds.</param>
/// <param name="CanAct">Whether a token is set, which allows actions.</param>
internal sealed record AdminFrame(StatusDocument Status, Rates Total, IReadOnlyList<WorkerRates> Workers, bool CanAct);

internal sealed record WorkerRates(int Index, Rates Rates);

/// <summary>One point of the page's charts.</summary>
/// <param name="At">Milliseconds since 1970, as in JavaScript.</param>
/// <param name="RequestsPerSecond">Over <see cref="AdminMonitor.SampleEvery"/>.</param>
/// <param name="FailedPerSecond">Over <see cref="AdminMonitor.SampleEvery"/>.</param>
/// <param name="P50">Seconds; null if no request was answered.</param>
/// <param name="P99">Seconds; null if no request was answered.</param>
/// <param name="Connections">Connections held by all workers.</param>
/// <param name="Queued">Connections in the kernel's queues.</param>
/// <param name="Serving">Workers that are serving.</param>
/// <param name="Restarts">Processes replaced so far.</param>
internal sealed record AdminSample(
    long At, double RequestsPerSecond, double FailedPerSecond, double? P50, double? P99, long Connections, long Queued, int Serving, int Restarts);

/// <summary>The body of an action.</summary>
internal sealed record AdminAction
{
    /// <summary>The worker to restart, drain or dump.</summary>
    public int? Worker { get; init; }

    /// <summary>The number of workers for scale.</summary>
    public int? Workers { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(UtcSecondsConverter)])]
[JsonSerializable(typeof(AdminFrame))]
[JsonSerializable(typeof(IReadOnlyList<AdminSample>))]
[JsonSerializable(typeof(IReadOnlyList<LogLine>))]
[JsonSerializable(typeof(AdminAction))]
internal sealed partial class AdminJson : JsonSerializerContext;
