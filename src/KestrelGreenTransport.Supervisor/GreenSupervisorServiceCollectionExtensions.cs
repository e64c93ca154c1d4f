using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Embedding;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Runs a supervisor inside a generic host, for custom tools.</summary>
public static class GreenSupervisorServiceCollectionExtensions
{
    /// <summary>
    /// Adds a supervisor for an app. It starts and stops with the host: requests in flight may finish within
    /// <see cref="GreenSupervisorOptions.GracefulTimeout"/>. If the supervisor ends by itself, because no worker can start, the
    /// host stops, and <see cref="Environment.ExitCode"/> says why (<see cref="ExitCodes"/>). Signals are handled by
    /// the host alone. Settings come from <c>GREEN_*</c> variables, <c>green.json</c>, the app's configuration, and
    /// <paramref name="configure"/>. Needs Linux.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="app">The app: a .dll, an executable, or a project's folder, which is built first.</param>
    /// <param name="arguments">The app's own arguments; null for none.</param>
    /// <param name="configure">Sets options in code. Every other source overrides them.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddGreenSupervisor(
        this IServiceCollection services, string app, IEnumerable<string>? arguments = null, Action<GreenSupervisorOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(app);
        var supervised = new SupervisedApp(app, [.. arguments ?? []], configure);
        services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<SupervisorService>(provider, supervised));
        services.AddSingleton<IPostConfigureOptions<HostOptions>>(new OutlastGrace(supervised));
        return services;
    }
}
