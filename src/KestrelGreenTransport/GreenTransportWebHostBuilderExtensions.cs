using System.Runtime.InteropServices;
using KestrelGreenTransport;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Epoll;
using KestrelGreenTransport.Epoll.Scheduling;
using KestrelGreenTransport.Hosting;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Sockets;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.WarmUp;
using KestrelGreenTransport.Worker;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Adds the transport to a web host.</summary>
public static class GreenTransportWebHostBuilderExtensions
{
    /// <summary>
    /// Serves Kestrel's connections with the green transport, into a bounded pool. It accepts on inherited listeners if this
    /// process is a worker or was started by systemd's socket activation, and otherwise on sockets that it binds itself.
    /// </summary>
    /// <param name="builder">The web host's builder.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="FormatException">A variable of the worker contract is malformed.</exception>
    /// <exception cref="IOException">A descriptor that was announced as a listener is not one.</exception>
    public static IWebHostBuilder UseGreenTransport(this IWebHostBuilder builder) => builder.UseGreenTransport(static _ => { });

    /// <summary>
    /// Serves Kestrel's connections with the green transport, into a bounded pool. It accepts on inherited listeners if this
    /// process is a worker or was started by systemd's socket activation, and otherwise on sockets that it binds itself.
    /// </summary>
    /// <param name="builder">The web host's builder.</param>
    /// <param name="configure">Sets options in code; the section <c>GreenTransport</c> and <c>GREEN_*</c> variables win over it.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="FormatException">A variable of the worker contract is malformed.</exception>
    /// <exception cref="IOException">A descriptor that was announced as a listener is not one.</exception>
    public static IWebHostBuilder UseGreenTransport(this IWebHostBuilder builder, Action<GreenTransportOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        PoolSpin.Shorten(WorkerContract.Current is not null);

        // Here, not once the host is built: until then the app may do anything, and take its time.
        var worker = ProcessWorker.OfProcess;
        return builder
            .UseGreenTransport(configure, InheritedSockets.OfProcess, new ProcessEnvironment())
            .ConfigureServices(services => services.AddGreenWorker(worker).AddUnsupportedWorker().AddGreenLeadership());
    }

    internal static IWebHostBuilder UseGreenTransport(
        this IWebHostBuilder builder, Action<GreenTransportOptions> configure, InheritedSockets inherited, IEnvironment environment)
    {
#pragma warning disable ASPDEPR004 // Obsolete, and old apps have it.
        var isLegacy = builder is WebHostBuilder;
#pragma warning restore ASPDEPR004
        return builder.ConfigureServices(services =>
        {
            if (!services.Any(static service => service.ServiceType == typeof(MissingEndpoints)))
            {
                inherited.Claims.Expect();
            }

            services.AddOptions<GreenTransportOptions>().Configure(configure).ValidateOnStart();
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<GreenTransportOptions>, ConfigureFromText>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GreenTransportOptions>, GreenTransportOptionsValidator>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<HostOptions>, ReconcileShutdownTimeout>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<KestrelServerOptions>, ConfigureKeepAlive>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ChooseEndpoints>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, InheritedListenersCheck>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, LeaveSignals>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, DrainService>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, GreenTransportFactory>());
            services.TryAddTransient<IOptionsFactory<GreenTransportOptions>, ReportingOptionsFactory>();
            services.TryAddSingleton(environment);
            services.TryAddSingleton(inherited);
            services.TryAddSingleton(TransportClock.System);
            services.TryAddSingleton<WorkerFailure>();
            services.TryAddSingleton<BindRequests>();
            services.TryAddSingleton<MissingEndpoints>();
            services.TryAddSingleton(new StopCause());
            services.TryAddSingleton(new AcceptGate());
            services.TryAddSingleton(new InMemoryListeners());
            services.TryAddSingleton<Drain>();
            services.TryAddSingleton<AccessLog>();
            services.TryAddSingleton<ISiblings, NoSiblings>();
            services.TryAddSingleton(static _ => new TransportState());
            services.TryAddSingleton<TransportMeter>();
            services.TryAddSingleton(ChooseBackend);
            services.TryAddSingleton(static provider => new Lazy<ITransportBackend>(provider.GetRequiredService<ITransportBackend>));
            services.AddMetrics();
            if (!services.Any(static service => service.ImplementationType == typeof(RequestTrackerFilter)))
            {
                services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, RequestTrackerFilter>());
                services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, AccessLogFilter>());
            }

            if (isLegacy)
            {
                LegacyHosting.AddTo(services);
            }

            if (inherited.IsWorker)
            {
                // The UDP socket of HTTP/3 cannot be shared like a listening socket: the second process that binds it fails, and so
                // would each reload of a single worker. Kestrel then serves such an endpoint without HTTP/3.
                services.RemoveAll<IMultiplexedConnectionListenerFactory>();
            }
        });
    }

    private static ITransportBackend ChooseBackend(IServiceProvider services) =>
        services.GetRequiredService<IOptions<GreenTransportOptions>>().Value.Backend switch
        {
            GreenTransportBackend.Epoll => ActivatorUtilities.CreateInstance<EpollBackend>(services),
            GreenTransportBackend.Auto when OperatingSystem.IsLinux() && SystemCalls.NumberOf(SystemCall.futex, RuntimeInformation.ProcessArchitecture) >= 0 => ActivatorUtilities.CreateInstance<EpollBackend>(services),
            _ => ActivatorUtilities.CreateInstance<SocketsBackend>(services),
        };
}
