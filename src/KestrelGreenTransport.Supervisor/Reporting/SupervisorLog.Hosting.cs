using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Reporting;

// Ids 240 to 279: sockets, service manager, files, users. From 290: workers that break the contract, and failures of our own.
internal static partial class SupervisorLog
{
    [LoggerMessage(240, LogLevel.Information, "listening on {Url}, requested by the app")]
    public static partial void ListenerBound(ILogger logger, string url);

    [LoggerMessage(241, LogLevel.Information, "closed {Url}: no worker asks for it any more")]
    public static partial void ListenerClosed(ILogger logger, string url);

    [LoggerMessage(242, LogLevel.Error, "could not answer worker {Index} (pid {Pid}), which asked for a socket: {Error}. It will be replaced after BootTimeout")]
    public static partial void BoundNotSent(ILogger logger, int index, int pid, string error);

    [LoggerMessage(243, LogLevel.Error, "could not change Backlog and UnixFileMode of {Url}: {Error}")]
    public static partial void NotAdjusted(ILogger logger, string url, string error);

    [LoggerMessage(250, LogLevel.Information, "upgrading: supervisor {Pid} is starting on the same sockets; this one keeps serving until the new workers are ready")]
    public static partial void Upgrading(ILogger logger, int pid);

    [LoggerMessage(251, LogLevel.Error, "the upgrade failed: supervisor {Pid} {How}. This one keeps running")]
    public static partial void UpgradeFailed(ILogger logger, int pid, string how);

    [LoggerMessage(252, LogLevel.Error, "the upgrade failed: the new supervisor cannot be started: {Error}. This one keeps running")]
    public static partial void UpgradeNotStarted(ILogger logger, string error);

    [LoggerMessage(253, LogLevel.Warning, "no upgrade: {Why}")]
    public static partial void UpgradeIgnored(ILogger logger, string why);

    [LoggerMessage(254, LogLevel.Information, "upgraded: supervisor {Pid} has taken over. This one exits when its last worker has drained")]
    public static partial void HandedOver(ILogger logger, int pid);

    [LoggerMessage(255, LogLevel.Information, "took over from the previous supervisor; its workers are draining")]
    public static partial void TakenOver(ILogger logger);

    [LoggerMessage(290, LogLevel.Warning, "worker {Index} (pid {Pid}) sent a packet that violates the worker contract: {Problem}. Ignoring it; further ones from this process are ignored without a log line")]
    public static partial void PacketIgnored(ILogger logger, int index, int pid, string problem);

    [LoggerMessage(291, LogLevel.Error, "could not handle a message from worker {Index} (pid {Pid}): closing its lifeline, so it finishes its requests, exits and is replaced. Please report this")]
    public static partial void MessageFailed(ILogger logger, int index, int pid, Exception exception);

    [LoggerMessage(292, LogLevel.Error, "an internal operation of the supervisor failed; it keeps running. Please report this")]
    public static partial void WorkFailed(ILogger logger, Exception exception);

    [LoggerMessage(293, LogLevel.Warning, "worker {Index} (pid {Pid}) asked for a socket and was refused: {Why}")]
    public static partial void BindRefused(ILogger logger, int index, int pid, string why);
}
