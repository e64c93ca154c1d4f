using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Reporting;

/// <summary>The supervisor's events, from 200. An id is never used again for anything else.</summary>
internal static partial class SupervisorLog
{
    [LoggerMessage(200, LogLevel.Information, "worker {Index} (pid {Pid}) {What} after {Seconds:0.00} s")]
    public static partial void WorkerReady(ILogger logger, int index, int pid, string what, double seconds);

    [LoggerMessage(201, LogLevel.Error, "worker {Index} (pid {Pid}) {How}; {Next}")]
    public static partial void WorkerDied(ILogger logger, int index, int pid, string how, string next);

    [LoggerMessage(202, LogLevel.Information, "worker {Index} (pid {Pid}) has stopped: {How}")]
    public static partial void WorkerLeft(ILogger logger, int index, int pid, string how);

    [LoggerMessage(203, LogLevel.Error, "no heartbeat from worker {Index} (pid {Pid}) for {Silence:0.0} s (Timeout {Timeout:0.0} s), {Verdict}: killing it, {Next}")]
    public static partial void WorkerStale(ILogger logger, int index, int pid, double silence, double timeout, string verdict, string next);

    [LoggerMessage(204, LogLevel.Error, "worker {Index} (pid {Pid}) was not ready within {Limit:0.0} s (BootTimeout): killing it, {Next}")]
    public static partial void WorkerBootTimeout(ILogger logger, int index, int pid, double limit, string next);

    [LoggerMessage(205, LogLevel.Warning, "killing worker {Index} (pid {Pid}): {Why}")]
    public static partial void WorkerKilled(ILogger logger, int index, int pid, string why);

    [LoggerMessage(206, LogLevel.Error, "worker {Index} could not be started: {Error}; {Next}")]
    public static partial void SpawnFailed(ILogger logger, int index, string error, string next);

    [LoggerMessage(207, LogLevel.Warning, "the supervisor was paused for {Seconds:0.0} s (SIGSTOP or a suspended machine); missed heartbeats in that time are ignored")]
    public static partial void SupervisorPaused(ILogger logger, double seconds);

    [LoggerMessage(208, LogLevel.Information, "scaling the number of workers from {From} to {To}")]
    public static partial void Scaling(ILogger logger, int from, int to);

    [LoggerMessage(209, LogLevel.Information, "stopping {Workers}: {How}")]
    public static partial void Stopping(ILogger logger, string workers, string how);

    [LoggerMessage(210, LogLevel.Critical, "no worker could start; giving up")]
    public static partial void BootFailure(ILogger logger);

    [LoggerMessage(211, LogLevel.Critical, "{Message}")]
    public static partial void AppNotStartable(ILogger logger, string message);

    [LoggerMessage(133, LogLevel.Warning, "worker {Index} (pid {Pid}) listens on {Endpoint} by itself and has not called builder.WebHost.UseGreenTransport() yet; waiting for that until BootTimeout ({Seconds} s)")]
    public static partial void ListensByItself(ILogger logger, int index, int pid, string endpoint, double seconds);

    [LoggerMessage(212, LogLevel.Information, "all workers have exited")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(214, LogLevel.Critical, "the supervisor failed and exits; its workers finish their requests and exit too")]
    public static partial void Failed(ILogger logger, Exception exception);

    [LoggerMessage(215, LogLevel.Warning, "worker {Index} (pid {Pid}) is shutting down although the supervisor did not ask it to; {Next}")]
    public static partial void WorkerLeaving(ILogger logger, int index, int pid, string next);

    [LoggerMessage(216, LogLevel.Error, "worker {Index} (pid {Pid}) cannot start: {Message}")]
    public static partial void WorkerCannotStart(ILogger logger, int index, int pid, string message);

    [LoggerMessage(218, LogLevel.Warning, "worker {Index} (pid {Pid}): its heartbeat file now reads as {Outcome}; a fault of the file does not count as a missed heartbeat")]
    public static partial void HeartbeatFile(ILogger logger, int index, int pid, HeartbeatOutcome outcome);

    [LoggerMessage(278, LogLevel.Warning, "worker {Index}: cannot create a heartbeat file ({Error}); it sends its heartbeats over the lifeline instead")]
    public static partial void NoHeartbeatFile(ILogger logger, int index, string error);

    [LoggerMessage(279, LogLevel.Warning, "{Path} was deleted; created it again. Running workers still write to the deleted one, and what they write is not seen until they are replaced (green reload)")]
    public static partial void HeartbeatsMadeAnew(ILogger logger, string path);

    [LoggerMessage(217, LogLevel.Warning, "the control socket failed: {Error}. `green status` and the other commands do not work until it recovers")]
    public static partial void ControlFailed(ILogger logger, string error);

    [LoggerMessage(220, LogLevel.Information, "reloading: starting generation {Generation}, one worker at a time")]
    public static partial void Reloading(ILogger logger, long generation);

    [LoggerMessage(221, LogLevel.Information, "reloaded: generation {Generation} is serving with {Workers} after {Seconds:0.0} s")]
    public static partial void Reloaded(ILogger logger, long generation, string workers, double seconds);

    [LoggerMessage(222, LogLevel.Error, "the reload to generation {Generation} failed: {Cause}. Generation {InForce} keeps serving{Back}")]
    public static partial void ReloadFailed(ILogger logger, long generation, string cause, long inForce, string back);

    [LoggerMessage(223, LogLevel.Error, "the rollback to generation {Generation} failed: {Cause}. The newer workers stay until the next reload")]
    public static partial void RollbackFailed(ILogger logger, long generation, string cause);

    [LoggerMessage(224, LogLevel.Critical, "cannot start: {Message}")]
    public static partial void PreparationFailed(ILogger logger, string message);

    [LoggerMessage(225, LogLevel.Warning, "{Settings} cannot be changed by a reload. To apply it, restart the supervisor (green stop, green run)")]
    public static partial void NeedsRestart(ILogger logger, string settings);

    [LoggerMessage(226, LogLevel.Information, "standby worker {Index} (pid {Pid}) takes over")]
    public static partial void WorkerTakesOver(ILogger logger, int index, int pid);

    [LoggerMessage(227, LogLevel.Warning, "the warm-up of worker {Index} (pid {Pid}) failed: {Problem}")]
    public static partial void WarmUpFailed(ILogger logger, int index, int pid, string problem);

    [LoggerMessage(238, LogLevel.Information, "worker {Index} (pid {Pid}) accepts clients before its warm-up is complete: no other worker is serving")]
    public static partial void WarmUpCutShort(ILogger logger, int index, int pid);

    [LoggerMessage(228, LogLevel.Information, "worker {Index} (pid {Pid}) is due for replacement ({Reason}); it keeps serving until its replacement is ready")]
    public static partial void WorkerDue(ILogger logger, int index, int pid, string reason);

    [LoggerMessage(229, LogLevel.Information, "draining {Workers}; the sockets stay open, and clients wait until a reload")]
    public static partial void Drained(ILogger logger, string workers);

    [LoggerMessage(277, LogLevel.Information, "worker {Index} (pid {Pid}) was told to drain; {Next}")]
    public static partial void WorkerDrained(ILogger logger, int index, int pid, string next);

    [LoggerMessage(235, LogLevel.Warning, "disconnecting {Clients} in the kernel's queue: not accepted by any worker within {Seconds:0} s, because the pools are full. Raise WorkerConnections or Workers, or take this host out of the load balancer before stopping it")]
    public static partial void ClientsLeft(ILogger logger, string clients, double seconds);

    [LoggerMessage(230, LogLevel.Information, "BeforeStart: {Line}")]
    public static partial void BeforeStart(ILogger logger, string line);

    [LoggerMessage(231, LogLevel.Warning, "{Warning}")]
    public static partial void Overwritten(ILogger logger, string warning);

    [LoggerMessage(232, LogLevel.Information, "{File} has changed: rebuilding")]
    public static partial void SourceChanged(ILogger logger, string file);

    [LoggerMessage(233, LogLevel.Warning, "build: {Line}")]
    public static partial void Build(ILogger logger, string line);

    [LoggerMessage(234, LogLevel.Error, "cannot watch {Folder}, so its changes go unnoticed: {Error}. If the kernel's limit is the reason, raise fs.inotify.max_user_watches")]
    public static partial void NotWatched(ILogger logger, string folder, string error);

    [LoggerMessage(272, LogLevel.Information, "worker {Index} (pid {Pid}) is now the leader")]
    public static partial void Leads(ILogger logger, int index, int pid);

    [LoggerMessage(270, LogLevel.Warning, "worker {Index} (pid {Pid}): slow request: {Method} {Path} has been in flight for {Seconds:0.0} s, longer than RequestTimeout")]
    public static partial void SlowRequest(ILogger logger, int index, int pid, string method, string path, double seconds);

    [LoggerMessage(271, LogLevel.Error, "worker {Index} (pid {Pid}): hung request: {Method} {Path} has been in flight for {Seconds:0.0} s, longer than RequestTimeout: killing the worker, {Next}")]
    public static partial void HungRequest(ILogger logger, int index, int pid, string method, string path, double seconds, string next);

    [LoggerMessage(275, LogLevel.Warning, "hook {Hook} failed: {Problem}")]
    public static partial void HookFailed(ILogger logger, string hook, string problem);

    [LoggerMessage(276, LogLevel.Warning, "no hooks were run for {Count}: earlier hooks took too long")]
    public static partial void HooksNotTold(ILogger logger, string count);

    [LoggerMessage(273, LogLevel.Information, "worker {Index} (pid {Pid}): its stacks are in {Files}")]
    public static partial void StacksKept(ILogger logger, int index, int pid, string files);

    [LoggerMessage(274, LogLevel.Warning, "worker {Index} (pid {Pid}): its stacks could not be saved: {Error}")]
    public static partial void StacksNotKept(ILogger logger, int index, int pid, string error);

    /// <summary>How a process ended, for a person: "was killed by SIGKILL", "exited with code 134".</summary>
    public static string Describe(ExitStatus status) => status switch
    {
        { Signal: { } signal } => $"was killed by {Signals.NameOf(signal)}",
        { Code: { } code } => $"exited with code {code}",
        _ => "disappeared (its exit status was lost)",
    };
}
