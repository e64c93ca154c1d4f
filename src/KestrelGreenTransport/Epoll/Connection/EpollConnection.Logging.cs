using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// Logs a connection at Debug as Kestrel's own transport does. With Debug off, each connection checks the level only
/// twice, and creates no id.
/// </summary>
internal sealed partial class EpollConnection
{
    private int _finIsSeen;

    private bool IsLogged => _loop.Settings.ConnectionLogger.IsEnabled(LogLevel.Debug);

    /// <summary>The peer's end of stream was seen, by a receive or while no read waits. Logged once, and not if we ended it.</summary>
    public void LogFinReceived()
    {
        if (Volatile.Read(ref _shutdownReason) is null && Interlocked.Exchange(ref _finIsSeen, 1) == 0 && IsLogged)
        {
            ConnectionLog.ReadFin(_loop.Settings.ConnectionLogger, ConnectionId);
        }
    }

    private void LogFinSent(Exception reason)
    {
        if (IsLogged)
        {
            ConnectionLog.WriteFin(_loop.Settings.ConnectionLogger, ConnectionId, reason.Message);
        }
    }

    private void LogAborted(Exception reason)
    {
        if (_loop.Settings.FinOnError)
        {
            LogFinSent(reason);
        }
        else if (IsLogged)
        {
            ConnectionLog.WriteRst(_loop.Settings.ConnectionLogger, ConnectionId, reason.Message);
        }
    }

    /// <summary>Receiving or sending failed, and the connection had no reason to end before.</summary>
    private void LogFailed(Exception error)
    {
        if (!IsLogged)
        {
            return;
        }

        if (error is ConnectionResetException)
        {
            ConnectionLog.Reset(_loop.Settings.ConnectionLogger, ConnectionId);
        }
        else
        {
            ConnectionLog.Error(_loop.Settings.ConnectionLogger, ConnectionId, error);
        }
    }
}
