using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.WarmUp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Worker;

/// <summary>Registers the worker's side of the contract.</summary>
internal static class WorkerServices
{
    /// <param name="services">The app's services.</param>
    /// <param name="contract">What the environment told this process; null when it is no worker, and nothing is added.</param>
    public static IServiceCollection AddGreenWorker(this IServiceCollection services, WorkerContract? contract)
    {
        if (contract is null || services.Any(static service => service.ServiceType == typeof(WorkerContract)))
        {
            return services;
        }

        services.AddSingleton(contract);
        if (!OperatingSystem.IsLinux())
        {
            return services.AddHostedService<UnsupportedWorker>();
        }

        // Adopted now: what the app starts before its host runs must not inherit the lifeline either.
        var lifeline = AdoptedLifeline.From(contract.ControlDescriptor);
        services.AddSingleton(lifeline);

        // Without a lifeline there is nobody who could open a closed gate.
        var startsClosed = contract.StartsClosed && lifeline.Socket is not null;
        services.Replace(ServiceDescriptor.Singleton(new AcceptGate(isOpen: !startsClosed)));
        services.Replace(ServiceDescriptor.Singleton(new SideDoors(any: startsClosed)));
        services.AddSingleton<SelfRequest>();
        services.AddSingleton(new RequestFigures(TimeProvider.System, keepsRequests: contract.RequestTimeout is not null || lifeline.Socket is not null));
        services.AddSingleton<WorkerLife>();
        services.AddSingleton(static provider => new BoardSiblings(
            provider.GetRequiredService<WorkerContract>(), provider.GetRequiredService<TransportState>(), provider.GetRequiredService<RequestFigures>(), TimeProvider.System));
        services.Replace(ServiceDescriptor.Singleton<ISiblings>(static provider => provider.GetRequiredService<BoardSiblings>()));
        if (contract.AccessLogDescriptor is { } log)
        {
            _ = Libc.fcntl(log, Libc.F_SETFD, Libc.FD_CLOEXEC);
        }

        services.TryAddSingleton<AccessLog>();
        services.TryAddSingleton<ForcedExit>();
        services.TryAddSingleton<TransportState>();
        services.TryAddSingleton<WorkerFailure>();
        services.TryAddSingleton<BindRequests>();
        services.AddGreenLeadership();

        // First of all: a host resolves its hosted services before it validates options or starts anything, and so
        // hello is said before something can fail, or be bound.
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService, WorkerService>());
        return services;
    }
}
