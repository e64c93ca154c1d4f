using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Once the app serves: every inherited listener must be answered by one of its endpoints, or clients would wait in a
/// queue that no process accepts from. Where several hosts share the process, the last one to start looks. When the last one
/// stops the process will ask for them no more, and gives them up, unless its own code stops the host and may start another;
/// what is being accepted from is closed at unbind.
/// </summary>
internal sealed class InheritedListenersCheck(
    InheritedSockets inherited, MissingEndpoints missing, WorkerFailure failure, StopCause cause, ILoggerFactory loggers)
    : IHostedLifecycleService, IDisposable
{
    private bool _isStarted;
    private bool _isGone;

    /// <exception cref="InvalidOperationException">In a worker: an inherited listener is not used.</exception>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        missing.Started();
        _isStarted = true;
        var areAllStarted = inherited.Claims.Started();
        var unused = inherited.Unused.ToArray();
        if (unused.Length == 0 || !areAllStarted)
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
        Leave(givesUp: cause is { IsOwners: false } or { IsTold: true });
        return Task.CompletedTask;
    }

    /// <summary>A host that never started has not stopped either.</summary>
    public void Dispose() => Leave(givesUp: false);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Leave(bool givesUp)
    {
        if (!_isGone)
        {
            _isGone = true;
            if (inherited.Claims.Gone(_isStarted) && givesUp)
            {
                inherited.GiveUp();
            }
        }
    }
}
