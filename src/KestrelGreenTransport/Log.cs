using System.Net;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport;

/// <summary>
/// Everything that the transport logs. Ids are never reused. 1 to 99: binding, accepting, draining; 100 to 199: the worker's
/// side of the contract, and 104, which needs no supervisor; 200 to 299: event loops.
/// </summary>
internal static partial class Log
{
    public const string Category = "KestrelGreenTransport";

    [LoggerMessage(1, LogLevel.Debug, "{Endpoint}: all slots are taken; clients wait in the kernel's queue until one is free.")]
    public static partial void PoolFull(ILogger logger, string endpoint);

    [LoggerMessage(2, LogLevel.Error, "{Endpoint}: cannot accept: {Reason} (errno {Errno}). Retrying in {DelayMs} ms, then at doubling intervals; clients wait in the kernel's queue.")]
    public static partial void AcceptFailed(ILogger logger, string endpoint, string reason, int errno, double delayMs);

    [LoggerMessage(3, LogLevel.Information, "{Endpoint}: accepting again after {Failures} failed attempts.")]
    public static partial void AcceptRecovered(ILogger logger, string endpoint, int failures);

    [LoggerMessage(4, LogLevel.Critical, "{Endpoint}: this listener has failed permanently: {Reason} (errno {Errno}). This process accepts no more connections on it; restart the process.")]
    public static partial void ListenerEnded(ILogger logger, string endpoint, string reason, int errno);

    [LoggerMessage(5, LogLevel.Debug, "{Endpoint}: a connection ended before it could be set up.")]
    public static partial void ConnectionSetupFailed(ILogger logger, Exception exception, string endpoint);

    [LoggerMessage(6, LogLevel.Error, "{Message}")]
    public static partial void InheritedListenerUnused(ILogger logger, string message);

    [LoggerMessage(7, LogLevel.Warning, "{Endpoint}: HTTP/3 is disabled, because several processes cannot share its UDP socket. HTTP/1.1 and HTTP/2 work.")]
    public static partial void Http3TakenOff(ILogger logger, string endpoint);

    [LoggerMessage(20, LogLevel.Information, "Stopping: no longer accepting connections; {Connections} open ones have {LimitMs} ms to finish their requests.")]
    public static partial void Draining(ILogger logger, int connections, double limitMs);

    [LoggerMessage(21, LogLevel.Warning, "Stopping: cutting off {Connections} connections still open after {LimitMs} ms, with {Requests} requests in flight: {Paths}. To give them longer, raise GracefulTimeout.")]
    public static partial void CutOff(ILogger logger, double limitMs, int connections, int requests, string paths);

    [LoggerMessage(22, LogLevel.Debug, "{Endpoint}: all slots are taken and clients are waiting; closed {Connections} idle connections to make room.")]
    public static partial void IdleReclaimed(ILogger logger, string endpoint, int connections);

    [LoggerMessage(104, LogLevel.Warning, "HostOptions.ShutdownTimeout ({Host}) is shorter than GracefulTimeout ({Graceful}, from {Source}): raising it to {Raised}. Set only one of them, or set GracefulTimeout to at most ShutdownTimeout.")]
    public static partial void ShutdownTimeoutRaised(ILogger logger, string host, string graceful, string source, string raised);

    [LoggerMessage(30, LogLevel.Warning, "{Endpoint}: a connection from {From} was reset: {Problem} ({Untold} more since this was last logged.)")]
    public static partial void ProxyHeaderRefused(ILogger logger, string endpoint, EndPoint? from, string problem, int untold);

    [LoggerMessage(40, LogLevel.Error, "{Target}: cannot write the access log: {Reason} Lines are lost until writing works again.")]
    public static partial void AccessLogNotWritten(ILogger logger, string target, string reason);

    [LoggerMessage(41, LogLevel.Information, "{Target}: writing the access log works again.")]
    public static partial void AccessLogWorksAgain(ILogger logger, string target);

    [LoggerMessage(42, LogLevel.Warning, "{Target}: dropped {Lines} lines of the access log, which came faster than they could be written.")]
    public static partial void AccessLogDropped(ILogger logger, string target, long lines);

    [LoggerMessage(43, LogLevel.Error, "{Target}: cannot reopen the access log: {Reason} Still writing to the old file.")]
    public static partial void AccessLogNotReopened(ILogger logger, string target, string reason);

    [LoggerMessage(50, LogLevel.Warning, "Connection {ConnectionId}: {Handler} began {Seconds} s ago and will never complete: its client has disconnected, and nothing references the task that it awaits. The connection was closed and its slot freed. Look there for an awaited task that is never completed.")]
    public static partial void Abandoned(ILogger logger, string connectionId, string handler, long seconds);

    [LoggerMessage(55, LogLevel.Error, "Connection {ConnectionId}: a callback registered on ConnectionClosedRequested threw an exception. The connection is asked to close all the same.")]
    public static partial void CloseCallbackFailed(ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(200, LogLevel.Error, "{Loop}: a continuation that the event loop ran threw an exception. The loop continues.")]
    public static partial void DispatchFailed(ILogger logger, Exception exception, string loop);

    [LoggerMessage(201, LogLevel.Error, "Connection {ConnectionId}: a callback registered on ConnectionClosed threw an exception.")]
    public static partial void ClosedCallbackFailed(ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(202, LogLevel.Warning, "{Loop}: cannot start another thread; it has {Threads}. A handler that blocks holds up the loop's other connections until a thread is free. Check the limits on threads and memory (ulimit -u, pids.max).")]
    public static partial void SpareRefused(ILogger logger, Exception exception, string loop, int threads);

    [LoggerMessage(203, LogLevel.Warning, "{Loop}: cannot be pinned to processor {Processor}: {Problem}. It may run on any processor of this process. Check which processors the process has (taskset -p), or leave PinEventLoops out.")]
    public static partial void LoopNotTied(ILogger logger, string loop, int processor, string problem);
}
