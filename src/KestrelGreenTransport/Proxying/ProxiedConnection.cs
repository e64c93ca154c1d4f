using System.Net;

namespace KestrelGreenTransport.Proxying;

internal sealed class ProxiedConnection(ProxyHeader header, EndPoint? proxy, EndPoint? listening) : IProxyProtocolFeature
{
    public int Version => header.Version;

    public EndPoint? ProxyEndPoint => proxy;

    public EndPoint? ListeningEndPoint => listening;

    public bool TryGetValue(byte type, out ReadOnlyMemory<byte> value)
    {
        var rest = header.Values;
        while (ProxyHeaderV2.TryNext(rest.Span, out var found, out var start, out var end))
        {
            if (found == type)
            {
                value = rest[start..end];
                return true;
            }

            rest = rest[end..];
        }

        value = default;
        return false;
    }
}
