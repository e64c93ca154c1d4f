using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>Reports this host to the process's worker: that it starts, runs, stops, and is gone.</summary>
internal sealed class WorkerService(ProcessWorker worker, WorkerHost host, HostParts parts, StopCause cause, IHostApplicationLifetime lifetime, ILoggerFactory loggers)
    : HostedLifecycle, IDisposable
{
    private readonly ILogger _logger = loggers.CreateLogger(WorkerLog.Category);

    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStarted.Register(OnStarted);
        lifetime.ApplicationStopping.Register(OnStopping);
        worker.OnStarting(host, parts, _logger);
        return Task.CompletedTask;
    }

    public void Dispose() => worker.OnGone(host, _logger);

    private void OnStarted()
    {
        // Once more: callbacks run in reverse order, so this one runs before a callback of the app that blocks.
        lifetime.ApplicationStopping.Register(OnStopping);
        worker.OnStarted(host);
    }

    private void OnStopping() => worker.OnStopping(host, cause.IsTold, cause.IsOwners);
}
