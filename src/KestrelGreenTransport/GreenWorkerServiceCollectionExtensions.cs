using System.Diagnostics.CodeAnalysis;
using KestrelGreenTransport.Leading;
using Microsoft.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds services that run in only one of several workers.</summary>
public static class GreenWorkerServiceCollectionExtensions
{
    /// <summary>
    /// Adds a background service that runs in only one worker: the leader. It starts when this worker is appointed and stops
    /// when the worker begins to drain; only then does the next leader start its own. Each term gets a new instance. Failures in
    /// it are handled as <see cref="HostOptions.BackgroundServiceExceptionBehavior"/> says.
    /// </summary>
    /// <typeparam name="T">The service; its constructor's parameters come from DI.</typeparam>
    /// <param name="services">The app's services.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddLeaderHostedService<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IServiceCollection services)
        where T : class, IHostedService
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddSingleton(new LeaderServiceFactory(typeof(T).Name, static provider => ActivatorUtilities.CreateInstance<T>(provider)));
        return services.AddGreenLeadership();
    }
}
