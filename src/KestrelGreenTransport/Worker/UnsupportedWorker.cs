using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>Logs that this system does not support the worker contract.</summary>
internal sealed class UnsupportedWorker(ILoggerFactory loggers) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        WorkerLog.NotSupportedHere(loggers.CreateLogger(WorkerLog.Category));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
