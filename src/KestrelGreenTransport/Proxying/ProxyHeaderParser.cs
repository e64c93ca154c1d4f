namespace KestrelGreenTransport.Proxying;

/// <summary>
/// Reads the header of the PROXY protocol (haproxy.org, doc/proxy-protocol.txt) from the first bytes of a connection.
///
/// It reads no byte behind the header and never guesses: bytes that cannot become a header of an expected version are
/// malformed at once, too few bytes are incomplete, and no header is longer than <see cref="MaxLength"/>.
/// </summary>
internal static class ProxyHeaderParser
{
    /// <summary>The most bytes that a header may have, as in nginx. Version 2 could announce up to 65551.</summary>
    public const int MaxLength = 4096;

    /// <param name="bytes">What was received so far, from the connection's first byte on.</param>
    /// <param name="versions">The versions that are expected.</param>
    /// <param name="header">The header, if it is complete.</param>
    /// <param name="problem">What is wrong, if it is malformed.</param>
    public static ProxyHeaderState Read(
        ReadOnlySpan<byte> bytes, GreenTransportProxyProtocol versions, out ProxyHeader header, out string problem)
    {
        header = default;
        problem = "";
        if (versions != GreenTransportProxyProtocol.V2 && Begins(bytes, ProxyHeaderV1.Signature, out var isWhole))
        {
            return isWhole ? ProxyHeaderV1.Read(bytes, out header, out problem) : ProxyHeaderState.Incomplete;
        }

        if (versions != GreenTransportProxyProtocol.V1 && Begins(bytes, ProxyHeaderV2.Signature, out isWhole))
        {
            return isWhole ? ProxyHeaderV2.Read(bytes, out header, out problem) : ProxyHeaderState.Incomplete;
        }

        problem = versions switch
        {
            GreenTransportProxyProtocol.V1 => "the connection does not begin with a header of version 1",
            GreenTransportProxyProtocol.V2 => "the connection does not begin with a header of version 2",
            _ => "the connection does not begin with a header",
        };
        return ProxyHeaderState.Malformed;
    }

    private static bool Begins(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature, out bool isWhole)
    {
        isWhole = bytes.Length >= signature.Length;
        return isWhole ? bytes.StartsWith(signature) : signature.StartsWith(bytes);
    }
}
