using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Once the app serves: every inherited listener must be answered by one of its endpoints, or clients would wait in a
/// queue that nobody accepts from. When it stops it will ask for them no more, and gives them up; what is being accepted
/// from is closed at unbind.
/// </summary>
internal sealed class InheritedListenersCheck(
    InheritedSockets inherited, MissingEndpoints missing, WorkerFailure failure, ILoggerFactory loggers)
    : IHostedLifecycleService
{
    /// <exception cref="InvalidOperationException">In a worker: an inherited listener is not used.</exception>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        missing.Started();
        var unused = inherited.Unused.ToArray();
        if (unused.Length == 0)
        {
            return Task.CompletedTask;
        }

        var names = string.Join(", ", unused.Select(static one => one.ToString()));
        var message = $"No endpoint of the app uses the inherited listener {names}: its clients would wait for ever. "
            + "The endpoints that the app configures itself (Kestrel:Endpoints in its configuration, or Listen...() in code) replace the inherited ones: "
            + $"remove them, add {names} to them, or do not pass it to this process (-b).";
        if (!inherited.IsWorker)
        {
            Log.InheritedListenerUnused(loggers.CreateLogger(Log.Category), message);
            return Task.CompletedTask;
        }

        failure.Report(MissingEndpoints.AppNotStartable, message);
        throw new InvalidOperationException(message);
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        inherited.GiveUp();
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
