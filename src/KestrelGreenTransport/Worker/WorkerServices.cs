using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.WarmUp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Worker;

/// <summary>Registers the worker's side of the contract.</summary>
internal static class WorkerServices
{
    /// <param name="services">The app's services.</param>
    /// <param name="worker">This process as a worker; null if it is not one, and then nothing is added.</param>
    public static IServiceCollection AddGreenWorker(this IServiceCollection services, ProcessWorker? worker)
    {
        if (worker is null || services.Any(static service => service.ServiceType == typeof(ProcessWorker)))
        {
            return services;
        }

        // The worker's services belong to the process: this host shares them with the other hosts, and does not dispose of them.
        var host = worker.Hosts.Expect();
        services.AddSingleton(worker);
        services.AddSingleton(host);
        services.AddSingleton(worker.Contract);
        services.AddSingleton(worker.Requests);
        services.AddSingleton(worker.Life);
        if (worker.Routes is { } routes)
        {
            services.AddSingleton(routes);
        }

        if (worker.Lifeline is { } lifeline)
        {
            services.AddSingleton(lifeline);
        }

        services.AddSingleton(worker.Siblings);
        services.Replace(ServiceDescriptor.Singleton(host.Gate));
        services.Replace(ServiceDescriptor.Singleton(host.InMemoryListeners));
        services.Replace(ServiceDescriptor.Singleton<ISiblings>(worker.Siblings));
        services.Replace(ServiceDescriptor.Singleton(worker.Binds));
        services.Replace(ServiceDescriptor.Singleton(worker.Leadership));
        services.Replace(ServiceDescriptor.Singleton(new TransportState(worker.Transport)));
        services.Replace(ServiceDescriptor.Singleton(new StopCause(isWorker: true)));
        services.AddSingleton<HostStop>();
        services.AddSingleton<OwnClient>();
        services.AddSingleton<RequestDurations>();
        services.AddSingleton<HostParts>();
        services.TryAddSingleton<AccessLog>();
        services.AddGreenLeadership();

        // First in the list: a host resolves its hosted services before it validates options or starts anything.
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService, WorkerService>());
        return services;
    }

    /// <summary>Logs, on systems other than Linux, that this process was meant to be a worker.</summary>
    public static IServiceCollection AddUnsupportedWorker(this IServiceCollection services) =>
        WorkerContract.Current is null || OperatingSystem.IsLinux() ? services : services.AddHostedService<UnsupportedWorker>();
}
