using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Leading;

/// <summary>Registers leadership among several workers.</summary>
internal static class LeadershipServices
{
    public static IServiceCollection AddGreenLeadership(this IServiceCollection services)
    {
        services.TryAddSingleton(static _ => Leadership.OfHost());
        services.TryAddSingleton<IGreenWorker>(static provider => provider.GetRequiredService<Leadership>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, LeaderTerm>());
        return services;
    }
}
