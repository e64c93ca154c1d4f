using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Hosting;

// A WebHost does not know IHostedLifecycleService, and stops its server before its hosted services. So our services start in
// the one hook that it has before the server starts, and stop in a server that drains before it stops.

/// <summary>Runs the lifecycle of our services in the obsolete WebHost. The app's services are left alone, as in a WebHost.</summary>
internal sealed class LegacyHosting(IServiceProvider services, IHostApplicationLifetime lifetime) : IHostedService
{
    /// <summary>Adds it. Call after the server was chosen.</summary>
    public static void AddTo(IServiceCollection services)
    {
        if (services.Any(static service => service.ServiceType == typeof(LegacyHosting)))
        {
            return;
        }

        services.AddSingleton<LegacyHosting>();
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService>(static provider => provider.GetRequiredService<LegacyHosting>()));
        if (services.LastOrDefault(static service => service.ServiceType == typeof(IServer)) is { } server)
        {
            services.Replace(ServiceDescriptor.Singleton<IServer>(provider => new DrainingServer(Create(server, provider), provider)));
        }
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStarted.Register(() => _ = StartedAsync());
        foreach (var service in Ours())
        {
            await service.StartingAsync(cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        foreach (var service in Ours().Reverse())
        {
            await service.StoppingAsync(cancellationToken);
        }
    }

    private async Task StartedAsync()
    {
        try
        {
            foreach (var service in Ours())
            {
                await service.StartedAsync(CancellationToken.None);
            }
        }
        catch (InvalidOperationException)
        {
            // The reason was already reported. A running WebHost cannot be made to fail, so stop it.
            lifetime.StopApplication();
        }
    }

    private IEnumerable<HostedLifecycle> Ours() => services.GetServices<IHostedService>().OfType<HostedLifecycle>();

    private static IServer Create(ServiceDescriptor server, IServiceProvider services) => (IServer)(
        server.ImplementationInstance ?? server.ImplementationFactory?.Invoke(services) ?? ActivatorUtilities.CreateInstance(services, server.ImplementationType!));

    private sealed class DrainingServer(IServer server, IServiceProvider services) : IServer
    {
        public IFeatureCollection Features => server.Features;

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull => server.StartAsync(application, cancellationToken);

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            await services.GetRequiredService<LegacyHosting>().StoppingAsync(cancellationToken);
            await server.StopAsync(cancellationToken);
        }

        public void Dispose() => server.Dispose();
    }
}
