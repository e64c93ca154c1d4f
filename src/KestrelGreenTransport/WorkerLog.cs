using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport;

/// <summary>Everything that the worker's side of the contract logs: ids 100 to 199 of <see cref="Log"/>, but for 104. An id is never reused.</summary>
internal static partial class WorkerLog
{
    public const string Category = "KestrelGreenTransport.Worker";

    [LoggerMessage(100, LogLevel.Error, "{Path}: cannot be opened: {Reason} (errno {Errno}). The supervisor cannot see that this worker is alive; retrying at every heartbeat.")]
    public static partial void FileNotOpened(ILogger logger, string path, string reason, int errno);

    [LoggerMessage(101, LogLevel.Error, "{Path}: cannot be written: {Reason} (errno {Errno}). The supervisor cannot see that this worker is alive; retrying at every heartbeat.")]
    public static partial void FileNotWritten(ILogger logger, string path, string reason, int errno);

    [LoggerMessage(102, LogLevel.Information, "{Path}: can be written again.")]
    public static partial void FileWorksAgain(ILogger logger, string path);

    [LoggerMessage(103, LogLevel.Warning, "{Path}: was deleted. This worker keeps writing to the deleted file; nothing appears at the path until the worker is replaced.")]
    public static partial void FileDeleted(ILogger logger, string path);

    [LoggerMessage(110, LogLevel.Error, "Descriptor {Descriptor} (GREEN_CONTROL_FD) is not a lifeline: {Reason}. This worker runs without one: its supervisor neither hears from it nor can tell it to drain. Pass one end of a SOCK_SEQPACKET socketpair.")]
    public static partial void LifelineRefused(ILogger logger, int descriptor, string reason);

    [LoggerMessage(111, LogLevel.Error, "Descriptor {Descriptor} (GREEN_CONTROL_FD) was closed by code in this process. The worker keeps running, but its supervisor can no longer reach it. Find the code that closes descriptors that it does not own.")]
    public static partial void LifelineClosedHere(ILogger logger, int descriptor);

    [LoggerMessage(112, LogLevel.Warning, "Cannot send a message to the supervisor: {Reason} (errno {Errno}).")]
    public static partial void LifelineNotSent(ILogger logger, string reason, int errno);

    [LoggerMessage(113, LogLevel.Debug, "Ignored a packet of {Length} bytes from the supervisor: it is not a message of the contract.")]
    public static partial void LifelinePacketIgnored(ILogger logger, long length);

    [LoggerMessage(114, LogLevel.Information, "The supervisor asked this worker to shut down; requests in flight have {DeadlineMs} ms to finish.")]
    public static partial void Draining(ILogger logger, double deadlineMs);

    [LoggerMessage(115, LogLevel.Warning, "The supervisor is gone. This worker finishes its requests, within {DeadlineMs} ms, and exits.")]
    public static partial void SupervisorGone(ILogger logger, double deadlineMs);

    [LoggerMessage(117, LogLevel.Warning, "{Method} {Path} has been in flight for {AgeMs} ms, longer than GREEN_REQUEST_TIMEOUT allows.")]
    public static partial void SlowRequest(ILogger logger, string method, string path, long ageMs);

    [LoggerMessage(116, LogLevel.Warning, "GREEN_WORKER is set, but the worker contract works only on Linux: this process sends no heartbeat and has no lifeline.")]
    public static partial void NotSupportedHere(ILogger logger);

    [LoggerMessage(105, LogLevel.Warning, "A host that called UseGreenTransport() was not started within {Seconds} s of the others: this worker reports ready without it.")]
    public static partial void HostNotStarted(ILogger logger, double seconds);

    [LoggerMessage(118, LogLevel.Debug, "Warm-up done: {Requests} requests, answered {Answered} times in {Seconds:0.0} s; {Methods} methods compiled; hot: {IsHot}.")]
    public static partial void Warmed(ILogger logger, int requests, int answered, double seconds, long methods, bool isHot);
}
