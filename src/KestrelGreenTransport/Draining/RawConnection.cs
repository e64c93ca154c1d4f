using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Draining;

/// <summary>
/// A connection that Kestrel's HTTP never gets: the app handles it by itself, and ends it when it hears that it should
/// (ConnectionClosedRequested), as with Kestrel's own transport.
/// </summary>
internal static class RawConnection
{
    // What Kestrel needs at most to hand a new connection to HTTP, where nothing but its own middleware stands before that.
    private static readonly TimeSpan OnTheWay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OnTheWayIfRead = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether it is one. A connection that is on its way to HTTP must not be told to close: its first request would be lost.</summary>
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

        // Only a handler reads: nothing else before HTTP does, except what takes a PROXY header.
        var isRead = connection is { Activity.HasReceived: true, HasUnconsumed: false } && features.Get<IProxyProtocolFeature>() is null;
        return age >= (isRead ? OnTheWayIfRead : OnTheWay);
    }

    /// <summary>Tells its handler to come to an end; false when Kestrel does not know the connection yet.</summary>
    public static bool TryTell(IServedConnection connection, ILogger logger)
    {
        if (((ConnectionContext)connection).Features.Get<IConnectionLifetimeNotificationFeature>() is not { } lifetime)
        {
            return false;
        }

        // It runs the callbacks that the app registered on ConnectionClosedRequested.
        ForeignCode.Run(
            static told => told.lifetime.RequestClose(),
            (lifetime, logger, connection),
            static (told, exception) => Log.CloseCallbackFailed(told.logger, exception, told.connection.ConnectionId));
        return true;
    }
}
