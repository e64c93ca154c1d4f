using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KestrelGreenTransport.Contract;

/// <summary>
/// The address of a listening socket as the worker contract writes it: <c>tcp://127.0.0.1:8080</c>,
/// <c>tcp://[::1]:8080</c>, <c>unix:/run/app.sock</c>, <c>unix:@abstract</c>.
/// </summary>
internal sealed record ListenEndpoint
{
    private const string TcpPrefix = "tcp://";
    private const string UnixPrefix = "unix:";

    // sun_path has 108 bytes, including the NUL: at the end, or at the beginning of an abstract name.
    private const int LongestPath = 107;

    private ListenEndpoint(IPEndPoint? ip, string? unixPath)
    {
        IP = ip;
        UnixPath = unixPath;
    }

    /// <summary>The address and port, or null for a Unix socket.</summary>
    public IPEndPoint? IP { get; }

    /// <summary>The path of a Unix socket, <c>@name</c> for an abstract one, or null for TCP.</summary>
    public string? UnixPath { get; }

    public bool IsAbstract => UnixPath is ['@', ..];

    public static ListenEndpoint Tcp(IPEndPoint endpoint) => new(endpoint, null);

    public static ListenEndpoint Unix(string path) => new(null, path);

    /// <summary>The endpoint of a bound socket, as the kernel reports it.</summary>
    public static ListenEndpoint Of(EndPoint bound) => bound switch
    {
        IPEndPoint ip => Tcp(ip),
        UnixDomainSocketEndPoint unix => Unix(unix.ToString()),
        _ => throw new NotSupportedException($"{bound} ({bound.AddressFamily}) is neither TCP nor a Unix socket."),
    };

    public static bool TryParse(string text, [NotNullWhen(true)] out ListenEndpoint? endpoint)
    {
        endpoint = null;
        if (text.StartsWith(TcpPrefix, StringComparison.Ordinal))
        {
            if (text.LastIndexOf(':') > TcpPrefix.Length && IPEndPoint.TryParse(text.AsSpan(TcpPrefix.Length), out var ip))
            {
                endpoint = Tcp(ip);
            }
        }
        else if (text.StartsWith(UnixPrefix, StringComparison.Ordinal) && IsPath(text.AsSpan(UnixPrefix.Length)))
        {
            endpoint = Unix(text[UnixPrefix.Length..]);
        }

        return endpoint is not null;
    }

    /// <summary>The .NET endpoint to bind or to show, where an abstract name begins with a NUL.</summary>
    public EndPoint ToEndPoint() =>
        IP is not null ? IP : new UnixDomainSocketEndPoint(IsAbstract ? $"\0{UnixPath![1..]}" : UnixPath!);

    /// <summary>
    /// Whether a socket listening here receives what a client sends to <paramref name="asked"/>: it has the same address or,
    /// as in the kernel, a wildcard at the same port.
    /// </summary>
    public bool Covers(EndPoint asked)
    {
        if (UnixPath is not null)
        {
            return asked is UnixDomainSocketEndPoint unix && PathOf(unix) == UnixPath;
        }

        if (asked is not IPEndPoint ip || ip.Port != IP!.Port)
        {
            return false;
        }

        return IP.Address.Equals(ip.Address)
            || IP.Address.Equals(IPAddress.IPv6Any)
            || (IP.Address.Equals(IPAddress.Any) && ip.AddressFamily == AddressFamily.InterNetwork);
    }

    /// <summary>Whether this is exactly the endpoint that was asked for.</summary>
    public bool Equals(EndPoint asked) => asked switch
    {
        IPEndPoint ip => IP is not null && IP.Equals(ip),
        UnixDomainSocketEndPoint unix => UnixPath == PathOf(unix),
        _ => false,
    };

    public override string ToString() => IP is not null ? TcpPrefix + IP : UnixPrefix + UnixPath;

    private static bool IsPath(ReadOnlySpan<char> text) =>
        text.Length > 0 && !text.Contains('\0') && Encoding.UTF8.GetByteCount(text[0] == '@' ? text[1..] : text) <= LongestPath;

    // UnixDomainSocketEndPoint.ToString shows the leading NUL of an abstract name as '@'.
    private static string PathOf(UnixDomainSocketEndPoint endpoint) => endpoint.ToString();
}
