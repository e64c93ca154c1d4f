using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport;

/// <summary>
/// The events of a single connection, logged as Kestrel's own transport does: with its category, ids, names and levels, which
/// filters and tools know. The ids are not those of <see cref="Log"/>, which has another category.
///
/// Kestrel's pause and resume (4, 5) are missing: they are about reading ahead of the app, which the event loops do not do.
/// </summary>
internal static partial class ConnectionLog
{
    public const string Category = "Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets";

    [LoggerMessage(6, LogLevel.Debug, "Connection id \"{ConnectionId}\" received FIN.", EventName = "ConnectionReadFin", SkipEnabledCheck = true)]
    public static partial void ReadFin(ILogger logger, string connectionId);

    [LoggerMessage(7, LogLevel.Debug, "Connection id \"{ConnectionId}\" sending FIN because: \"{Reason}\"", EventName = "ConnectionWriteFin", SkipEnabledCheck = true)]
    public static partial void WriteFin(ILogger logger, string connectionId, string reason);

    [LoggerMessage(8, LogLevel.Debug, "Connection id \"{ConnectionId}\" sending RST because: \"{Reason}\"", EventName = "ConnectionWriteRst", SkipEnabledCheck = true)]
    public static partial void WriteRst(ILogger logger, string connectionId, string reason);

    [LoggerMessage(14, LogLevel.Debug, "Connection id \"{ConnectionId}\" communication error.", EventName = "ConnectionError", SkipEnabledCheck = true)]
    public static partial void Error(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(19, LogLevel.Debug, "Connection id \"{ConnectionId}\" reset.", EventName = "ConnectionReset", SkipEnabledCheck = true)]
    public static partial void Reset(ILogger logger, string connectionId);
}
