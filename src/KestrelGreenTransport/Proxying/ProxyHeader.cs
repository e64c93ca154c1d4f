using System.Net;

namespace KestrelGreenTransport.Proxying;

/// <summary>The content of a PROXY protocol header.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Source">The client; null if the header does not name it (UNKNOWN, LOCAL, not TCP).</param>
/// <param name="Destination">The address that the client connected to; null as for <paramref name="Source"/>.</param>
/// <param name="Values">The types, lengths and values that the proxy added, as they were sent.</param>
internal readonly record struct ProxyHeader(int Version, int Length, EndPoint? Source, EndPoint? Destination, ReadOnlyMemory<byte> Values);

internal enum ProxyHeaderState
{
    /// <summary>It may still become a header.</summary>
    Incomplete,

    Complete,

    /// <summary>It can never become a header, whatever follows.</summary>
    Malformed,
}
