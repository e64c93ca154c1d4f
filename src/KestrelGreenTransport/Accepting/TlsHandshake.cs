using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace KestrelGreenTransport.Accepting;

/// <summary>The state of a connection's TLS handshake.</summary>
internal static class TlsHandshake
{
    /// <summary>Whether the handshake is over; null if the connection has none.</summary>
    public static bool? IsOver(IServedConnection connection)
    {
        if (connection is not ConnectionContext { Features: var features } || features.Get<ITlsHandshakeFeature>() is not { } tls)
        {
            return null;
        }

        try
        {
            return tls.Protocol != SslProtocols.None;
        }
        catch (Exception)
        {
            // .NET's stream throws before the client has sent anything, and after the handshake has failed for whatever reason.
            return false;
        }
    }
}
