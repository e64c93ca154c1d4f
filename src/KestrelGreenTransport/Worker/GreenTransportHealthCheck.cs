using System.Globalization;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KestrelGreenTransport.Worker;

/// <summary>Unhealthy while this worker drains, degraded while a pool has no free slot.</summary>
internal sealed class GreenTransportHealthCheck(TransportState transport, WorkerLife? life = null) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Look(context));

    private HealthCheckResult Look(HealthCheckContext context)
    {
        if (life?.State == WorkerState.Draining)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "this worker is draining");
        }

        var (held, slots) = (transport.Pools.Sum(static pool => pool.Held), transport.Pools.Sum(static pool => pool.Slots));
        var data = new Dictionary<string, object> { ["connections"] = held, ["slots"] = slots };
        return transport.Pools.FirstOrDefault(static pool => pool.Held >= pool.Slots) is { } full
            ? HealthCheckResult.Degraded($"every slot of {full.Endpoint} is taken: further connections wait", data: data)
            : HealthCheckResult.Healthy(string.Create(CultureInfo.InvariantCulture, $"{held} of {slots} slots taken"), data);
    }
}
