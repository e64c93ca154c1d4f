using System.Net;

namespace KestrelGreenTransport.Proxying;

/// <summary>What a PROXY protocol header says.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Length">How many bytes it takes.</param>
/// <param name="Source">The client; null where the header leaves that to the connection (UNKNOWN, LOCAL, not TCP).</param>
/// <param name="Destination">Where the client connected to; null as for <paramref name="Source"/>.</param>
/// <param name="Values">Types, lengths and values that the proxy added, as they were sent.</param>
internal readonly record struct ProxyHeader(int Version, int Length, EndPoint? Source, EndPoint? Destination, ReadOnlyMemory<byte> Values);

internal enum ProxyHeaderState
{
    /// <summary>So far it may become a header.</summary>
    Incomplete,

    Complete,

    /// <summary>Whatever follows, it will never be one.</summary>
    Malformed,
}
