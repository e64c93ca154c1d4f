using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Worker;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the transport's health check.</summary>
public static class GreenTransportHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a health check of this process's transport: it fails while the process drains, is degraded while every slot
    /// of a listener is taken, and reports how many slots are taken. It needs <c>UseGreenTransport()</c>.
    /// </summary>
    /// <param name="builder">The health checks' builder.</param>
    /// <param name="name">The check's name. Defaults to <c>green</c>.</param>
    /// <param name="failureStatus">The status that a failure reports. Null, the default, means <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags for selecting checks. Null, the default, means none.</param>
    /// <returns>The same builder.</returns>
    public static IHealthChecksBuilder AddGreenTransport(
        this IHealthChecksBuilder builder, string name = "green", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton(static _ => new TransportState());
        return builder.Add(new HealthCheckRegistration(
            name,
            static services => new GreenTransportHealthCheck(services.GetRequiredService<TransportState>(), services.GetService<WorkerLife>()),
            failureStatus,
            tags));
    }
}
