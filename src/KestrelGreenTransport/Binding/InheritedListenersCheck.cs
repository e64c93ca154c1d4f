using KestrelGreenTransport.Hosting;
using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Once the app has started, every inherited listener must be used by one of its endpoints, or clients would wait in a
/// queue that no process accepts from. If several hosts share the process, the last one to start checks. When the last one
/// stops, the process gives up its inherited sockets, unless the app's own code stops the host and may start another;
/// sockets in use are closed at unbind.
/// </summary>
internal sealed class InheritedListenersCheck(
    InheritedSockets inherited, MissingEndpoints missing, WorkerFailure failure, StopCause cause, ILoggerFactory loggers)
    : HostedLifecycle, IDisposable
{
    private bool _isStarted;
    private bool _isGone;

    /// <exception cref="InvalidOperationException">In a worker: an inherited listener is not used.</exception>
    public override Task StartedAsync(CancellationToken cancellationToken)
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

    public override Task StoppingAsync(CancellationToken cancellationToken)
    {
        Leave(givesUp: cause is { IsOwners: false } or { IsTold: true });
        return Task.CompletedTask;
    }

    /// <summary>Counts a host that was disposed without being stopped, such as one that never started.</summary>
    public void Dispose() => Leave(givesUp: false);

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
