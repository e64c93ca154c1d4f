using System.Net;

namespace KestrelGreenTransport;

/// <summary>
/// A feature of connections that began with a PROXY protocol header. Their <c>RemoteEndPoint</c> and <c>LocalEndPoint</c>
/// are those of the client's own connection to the proxy; this tells the rest. Also found by <c>HttpContext.Features</c>.
/// </summary>
public interface IProxyProtocolFeature
{
    /// <summary>The header's version: 1 or 2.</summary>
    int Version { get; }

    /// <summary>Who opened the connection to this process: the proxy. Null on a Unix socket of no name.</summary>
    EndPoint? ProxyEndPoint { get; }

    /// <summary>Where this process accepted the connection.</summary>
    EndPoint? ListeningEndPoint { get; }

    /// <summary>Finds a value that the proxy added (a TLV, version 2 only), such as 0x02, the host name of TLS, or 0xEA of AWS.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="value">The first value of this type.</param>
    /// <returns>Whether there is one.</returns>
    bool TryGetValue(byte type, out ReadOnlyMemory<byte> value);
}
