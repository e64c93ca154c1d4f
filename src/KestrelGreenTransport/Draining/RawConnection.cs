using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// A connection that never reaches Kestrel's HTTP: the app handles it itself, and ends it when told to
/// (ConnectionClosedRequested), as with Kestrel's own transport.
/// </summary>
internal static class RawConnection
{
    // The most time that Kestrel needs to hand a new connection to HTTP, with only its own middleware in between.
    private static readonly TimeSpan OnTheWay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OnTheWayIfRead = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether it is one. A connection on its way to HTTP must not be told to close: its first request would be lost.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="age">How long it has been open.</param>
    public static bool Is(IServedConnection connection, TimeSpan age)
    {
        if (connection.Activity.ReachesHttp || connection is not ConnectionContext { Features: var features })
        {
            return false;
        }

        if (TlsHandshake.IsOver(connection) is { } isOver)
        {
            return age >= OnTheWay && isOver;
        }

        // Before HTTP only a connection handler reads, apart from the code that reads a PROXY header.
        var isRead = connection is { Activity.HasReceived: true, HasUnconsumed: false } && features.Get<IProxyProtocolFeature>() is null;
        return age >= (isRead ? OnTheWayIfRead : OnTheWay);
    }

    /// <summary>Tells its handler to end; false if Kestrel does not know the connection yet.</summary>
    public static bool TryTell(IServedConnection connection, ILogger logger)
    {
        if (((ConnectionContext)connection).Features.Get<IConnectionLifetimeNotificationFeature>() is not { } lifetime)
        {
            return false;
        }

        // Runs the callbacks that the app registered on ConnectionClosedRequested.
        ForeignCode.Run(
            static told => told.lifetime.RequestClose(),
            (lifetime, logger, connection),
            static (told, exception) => Log.CloseCallbackFailed(told.logger, exception, told.connection.ConnectionId));
        return true;
    }
}
