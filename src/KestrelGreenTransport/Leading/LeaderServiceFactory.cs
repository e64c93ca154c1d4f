using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Leading;

/// <summary>One service of the leader's, made anew for each term.</summary>
internal sealed record LeaderServiceFactory(string Name, Func<IServiceProvider, IHostedService> Create);
