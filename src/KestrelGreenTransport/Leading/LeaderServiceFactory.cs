using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Leading;

/// <summary>Creates one of the leader's services, a new one for each term.</summary>
internal sealed record LeaderServiceFactory(string Name, Func<IServiceProvider, IHostedService> Create);
