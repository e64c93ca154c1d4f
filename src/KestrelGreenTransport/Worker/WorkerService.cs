using System.Diagnostics.Metrics;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Hosting;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.WarmUp;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>Reports this host to the process's worker: that it starts, runs, stops, and is gone.</summary>
internal sealed class WorkerService : HostedLifecycle, IDisposable
{
    private readonly ProcessWorker _worker;
    private readonly WorkerHost _host;
    private readonly HostParts _parts;
    private readonly StopCause _cause;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger _logger;

    public WorkerService(
        ProcessWorker worker, WorkerHost host, HostStop stop, StopCause cause, OwnClient client, AccessLog accessLog, IHostApplicationLifetime lifetime,
        IMeterFactory meters, ILoggerFactory loggers)
    {
        (_worker, _host, _cause, _lifetime) = (worker, host, cause, lifetime);
        _parts = new HostParts(stop, client, accessLog, new RequestDurations(meters));
        _logger = loggers.CreateLogger(WorkerLog.Category);
    }

    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        _lifetime.ApplicationStarted.Register(OnStarted);
        _lifetime.ApplicationStopping.Register(OnStopping);
        _worker.OnStarting(_host, _parts, _logger);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _worker.OnGone(_host, _logger);
        _parts.Durations.Dispose();
    }

    private void OnStarted()
    {
        // Once more: callbacks run in reverse order, so this one runs before a callback of the app that blocks.
        _lifetime.ApplicationStopping.Register(OnStopping);
        _worker.OnStarted(_host);
    }

    private void OnStopping() => _worker.OnStopping(_host, _cause.IsTold, _cause.IsOwners);
}
