using System.Net;

namespace KestrelGreenTransport;

/// <summary>
/// A feature of connections that began with a PROXY protocol header. Their <c>RemoteEndPoint</c> and <c>LocalEndPoint</c>
/// are those of the client's own connection to the proxy; this has the rest. Also available from <c>HttpContext.Features</c>.
/// </summary>
public interface IProxyProtocolFeature
{
    /// <summary>The header's version: 1 or 2.</summary>
    int Version { get; }

    /// <summary>The other end of the connection to this process: the proxy. Null for a Unix socket without a name.</summary>
    EndPoint? ProxyEndPoint { get; }

    /// <summary>The local endpoint on which this process accepted the connection.</summary>
    EndPoint? ListeningEndPoint { get; }

    /// <summary>Finds a value that the proxy added (a TLV, version 2 only), such as 0x02, the TLS host name, or AWS's 0xEA.</summary>
    /// <param name="type">The type of the value.</param>
    /// <param name="value">The first value of this type.</param>
    /// <returns>Whether there is a value of this type.</returns>
    bool TryGetValue(byte type, out ReadOnlyMemory<byte> value);
}
