using KestrelGreenTransport;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Sockets;
using KestrelGreenTransport.Worker;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Adds the transport to a web host.</summary>
public static class GreenTransportWebHostBuilderExtensions
{
    /// <summary>Serves Kestrel's connections by the green transport.</summary>
    /// <param name="builder">The web host's builder.</param>
    /// <returns>The same builder.</returns>
    public static IWebHostBuilder UseGreenTransport(this IWebHostBuilder builder) => builder.UseGreenTransport(static _ => { });

    /// <summary>Serves Kestrel's connections by the green transport.</summary>
    /// <param name="builder">The web host's builder.</param>
    /// <param name="configure">Sets options in code; the configuration section <c>GreenTransport</c> wins over it.</param>
    /// <returns>The same builder.</returns>
    public static IWebHostBuilder UseGreenTransport(this IWebHostBuilder builder, Action<GreenTransportOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        return builder.ConfigureServices(services =>
        {
            services.AddMetrics();
            services.Configure(configure);
            services.TryAddSingleton(TimeProvider.System);
            services.TryAddSingleton<WorkerFailure>();
            services.TryAddSingleton<TransportState>();
            services.TryAddSingleton<TransportMeter>();
            services.TryAddSingleton<ITransportBackend, SocketsBackend>();
            services.AddSingleton<IConnectionListenerFactory, GreenTransportFactory>();
        });
    }
}
