using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Runtime;

// Its place in the system (sockets, service manager, files, users) has the ids 240 to 279.
internal static partial class SupervisorLog
{
    [LoggerMessage(240, LogLevel.Information, "listening on {Url}, as the app asks")]
    public static partial void ListenerBound(ILogger logger, string url);

    [LoggerMessage(241, LogLevel.Information, "{Url} is closed: no worker asks for it any more")]
    public static partial void ListenerClosed(ILogger logger, string url);

    [LoggerMessage(242, LogLevel.Error, "worker {Index} (pid {Pid}) asked for a socket, and the answer could not be sent: {Error}. BootTimeout will replace it")]
    public static partial void BoundNotSent(ILogger logger, int index, int pid, string error);
}
