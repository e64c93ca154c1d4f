using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Leading;

/// <summary>Runs the leader's services from this worker's appointment to its dismissal.</summary>
internal sealed class LeaderTerm : IHostedService, ILeaderTerm
{
    private readonly Leadership _leadership;
    private readonly IServiceProvider _services;
    private readonly IReadOnlyList<LeaderServiceFactory> _factories;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly HostOptions _host;
    private readonly ILogger _logger;
    private readonly List<(string Name, IHostedService Service)> _running = [];

    public LeaderTerm(
        Leadership leadership,
        IServiceProvider services,
        IEnumerable<LeaderServiceFactory> factories,
        IHostApplicationLifetime lifetime,
        IOptions<HostOptions> host,
        ILoggerFactory loggers)
    {
        _leadership = leadership;
        _services = services;
        _factories = [.. factories];
        _lifetime = lifetime;
        _host = host.Value;
        _logger = loggers.CreateLogger(LeaderLog.Category).Guarded();
    }

    // Without leader services it makes no difference which worker leads.
    private LogLevel Level => _factories.Count == 0 ? LogLevel.Debug : LogLevel.Information;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _lifetime.ApplicationStopping.Register(Part);
        _lifetime.ApplicationStarted.Register(Join);
        return Task.CompletedTask;
    }

    /// <summary>A host that stops waits for its leader services, as it does for all other services.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Part();
        await _leadership.PartAsync(this).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task BeginAsync()
    {
        LeaderLog.Leads(_logger, Level, _leadership.Index);
        foreach (var (name, create) in _factories)
        {
            try
            {
                var service = create(_services);
                _running.Add((name, service));
                await service.StartAsync(_lifetime.ApplicationStopping);
                if (service is BackgroundService { ExecuteTask: { } executing })
                {
                    _ = Watch(name, executing);
                }
            }
            catch (Exception failed)
            {
                Failed(name, failed);
            }
        }
    }

    // In reverse order, as a host does; a service that fails does not keep the others from stopping.
    public async Task EndAsync()
    {
        LeaderLog.LeadsNoMore(_logger, Level, _leadership.Index);
        for (var i = _running.Count - 1; i >= 0; i--)
        {
            var (name, service) = _running[i];
            try
            {
                // Without a limit: a leader that has not stopped still leads. The supervisor ends a worker that takes too long.
                await service.StopAsync(CancellationToken.None);
                await (service is BackgroundService { ExecuteTask: { } executing } ? executing : Task.CompletedTask)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await Dispose(service);
            }
            catch (Exception failed)
            {
                LeaderLog.ServiceFailed(_logger, failed, name);
            }
        }

        _running.Clear();
    }

    private void Join()
    {
        _leadership.Join(this);
        if (_leadership.IsBorn)
        {
            _leadership.Appoint(true);
        }
    }

    private void Part()
    {
        if (_leadership.IsBorn)
        {
            _leadership.Retire();
        }

        _ = _leadership.PartAsync(this);
    }

    private async Task Watch(string name, Task executing)
    {
        try
        {
            await executing;
        }
        catch (OperationCanceledException)
        {
            // Cancelled by its own stop.
        }
        catch (Exception failed)
        {
            Failed(name, failed);
        }
    }

    private void Failed(string name, Exception failed)
    {
        LeaderLog.ServiceFailed(_logger, failed, name);
        if (_host.BackgroundServiceExceptionBehavior == BackgroundServiceExceptionBehavior.StopHost)
        {
            // Another worker then leads, and this one is replaced.
            _lifetime.StopApplication();
        }
    }

    private static async ValueTask Dispose(IHostedService service)
    {
        if (service is IAsyncDisposable asynchronous)
        {
            await asynchronous.DisposeAsync();
        }
        else
        {
            (service as IDisposable)?.Dispose();
        }
    }
}

/// <summary>The log messages about leading: ids 130 to 139 of the transport's log.</summary>
internal static partial class LeaderLog
{
    public const string Category = "KestrelGreenTransport.Leader";

    [LoggerMessage(EventId = 130, Message = "Worker {Index} is now the leader and runs the leader services.")]
    public static partial void Leads(ILogger logger, LogLevel level, int index);

    [LoggerMessage(EventId = 131, Message = "Worker {Index} is no longer the leader.")]
    public static partial void LeadsNoMore(ILogger logger, LogLevel level, int index);

    [LoggerMessage(132, LogLevel.Error, "The leader service {Service} failed.")]
    public static partial void ServiceFailed(ILogger logger, Exception exception, string service);
}
