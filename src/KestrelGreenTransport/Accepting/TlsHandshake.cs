using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace KestrelGreenTransport.Accepting;

/// <summary>How far the TLS handshake of a connection is.</summary>
internal static class TlsHandshake
{
    /// <summary>Whether it is over; null where there is none.</summary>
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
            // .NET's stream throws before the client has said something, and after the handshake has failed, for whatever reason.
            return false;
        }
    }
}
