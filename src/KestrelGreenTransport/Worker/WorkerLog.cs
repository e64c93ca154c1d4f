using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Worker;

/// <summary>Everything that the worker's side of the contract logs: ids 100 to 199 of <see cref="Log"/>. An id is never reused.</summary>
internal static partial class WorkerLog
{
    public const string Category = "KestrelGreenTransport.Worker";

    [LoggerMessage(100, LogLevel.Error, "{Path}: cannot be opened: {Reason} (errno {Errno}). Its supervisor cannot see that this worker is alive; tried again at every heartbeat.")]
    public static partial void FileNotOpened(ILogger logger, string path, string reason, int errno);

    [LoggerMessage(101, LogLevel.Error, "{Path}: cannot be written: {Reason} (errno {Errno}). Its supervisor cannot see that this worker is alive; tried again at every heartbeat.")]
    public static partial void FileNotWritten(ILogger logger, string path, string reason, int errno);

    [LoggerMessage(102, LogLevel.Information, "{Path}: is written again.")]
    public static partial void FileWorksAgain(ILogger logger, string path);

    [LoggerMessage(103, LogLevel.Warning, "{Path}: was deleted. This worker writes on to the open file; whoever looks by path sees it only after the worker was replaced.")]
    public static partial void FileDeleted(ILogger logger, string path);
}
