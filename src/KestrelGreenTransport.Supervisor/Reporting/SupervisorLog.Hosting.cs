using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Reporting;

// Ids 240 to 279: sockets, service manager, files, users. From 290: workers that break the contract, and failures of our own.
internal static partial class SupervisorLog
{
    [LoggerMessage(240, LogLevel.Information, "listening on {Url}, as the app asks")]
    public static partial void ListenerBound(ILogger logger, string url);

    [LoggerMessage(241, LogLevel.Information, "{Url} is closed: no worker asks for it any more")]
    public static partial void ListenerClosed(ILogger logger, string url);

    [LoggerMessage(242, LogLevel.Error, "worker {Index} (pid {Pid}) asked for a socket, and the answer could not be sent: {Error}. BootTimeout will replace it")]
    public static partial void BoundNotSent(ILogger logger, int index, int pid, string error);

    [LoggerMessage(243, LogLevel.Error, "Backlog and UnixFileMode of {Url} could not be changed: {Error}")]
    public static partial void NotAdjusted(ILogger logger, string url, string error);

    [LoggerMessage(250, LogLevel.Information, "upgrading: supervisor {Pid} comes up on the same sockets; this one serves until its workers do")]
    public static partial void Upgrading(ILogger logger, int pid);

    [LoggerMessage(251, LogLevel.Error, "the upgrade failed: supervisor {Pid} {How}. This one goes on")]
    public static partial void UpgradeFailed(ILogger logger, int pid, string how);

    [LoggerMessage(252, LogLevel.Error, "the upgrade failed: the new supervisor cannot be started: {Error}. This one goes on")]
    public static partial void UpgradeNotStarted(ILogger logger, string error);

    [LoggerMessage(253, LogLevel.Warning, "no upgrade: {Why}")]
    public static partial void UpgradeIgnored(ILogger logger, string why);

    [LoggerMessage(254, LogLevel.Information, "upgraded: supervisor {Pid} has taken over. This one leaves when its last worker has drained")]
    public static partial void HandedOver(ILogger logger, int pid);

    [LoggerMessage(255, LogLevel.Information, "taken over from the supervisor before; its workers drain")]
    public static partial void TakenOver(ILogger logger);

    [LoggerMessage(290, LogLevel.Warning, "worker {Index} (pid {Pid}) sent a packet that does not keep the worker contract: {Problem}. It is ignored, and so are others like it from this process, without a line for each")]
    public static partial void PacketIgnored(ILogger logger, int index, int pid, string problem);

    [LoggerMessage(291, LogLevel.Error, "a message of worker {Index} (pid {Pid}) could not be handled: its lifeline is ended, so the worker finishes and exits, and another takes its place. Please report this")]
    public static partial void MessageFailed(ILogger logger, int index, int pid, Exception exception);

    [LoggerMessage(292, LogLevel.Error, "something that the supervisor had to do failed; it keeps running. Please report this")]
    public static partial void WorkFailed(ILogger logger, Exception exception);

    [LoggerMessage(293, LogLevel.Warning, "worker {Index} (pid {Pid}) asked for a socket that it does not get: {Why}")]
    public static partial void BindRefused(ILogger logger, int index, int pid, string why);
}
