using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// Parses the addresses given after <c>-b</c>. An error is a predicate that completes
/// "Bind ('8080', -b on the command line) …".
/// </summary>
internal static class BindParser
{
    /// <summary>Every accepted form.</summary>
    public const string Forms = "host:port, :port, *:port, [::1]:port, unix:path, unix:@abstract, fd://N, systemd or http://host:port";

    private const string LocalHost = "localhost";

    /// <summary>What is wrong with this address; null if it is valid.</summary>
    public static string? Check(string text) => TryParse(text, "/", out _, out var error) ? null : error;

    /// <summary>Parses one address. <c>localhost</c> gives two: its IPv4 and its IPv6 address.</summary>
    public static bool TryParse(
        string text, string currentDirectory, [NotNullWhen(true)] out IReadOnlyList<BindSpec>? binds, [NotNullWhen(false)] out string? error)
    {
        // The workers get it in a list, whose entries are trimmed.
        (binds, error) = Parse(text.Trim(), currentDirectory);
        return binds is not null;
    }

    /// <summary>The sockets for a host and a port; null if the host is neither an address nor localhost nor "every address".</summary>
    public static IReadOnlyList<BindSpec>? Tcp(string text, string host, int port)
    {
        if (host is "" or "*" or "+")
        {
            return EveryAddress(text, port);
        }

        if (host.Equals(LocalHost, StringComparison.OrdinalIgnoreCase))
        {
            return
            [
                new BindEndpoint(text, ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Loopback, port)), Optional: true),
                new BindEndpoint(text, ListenEndpoint.Tcp(new IPEndPoint(IPAddress.IPv6Loopback, port)), Optional: true),
            ];
        }

        return TryParseAddress(host, out var address) ? [new BindEndpoint(text, ListenEndpoint.Tcp(new IPEndPoint(address, port)))] : null;
    }

    public static IReadOnlyList<BindSpec> EveryAddress(string text, int port) =>
        [new BindEndpoint(text, ListenEndpoint.Tcp(new IPEndPoint(IPAddress.IPv6Any, port)), DualStackFallback: true)];

    /// <summary>A Unix socket; the error is a predicate.</summary>
    public static (IReadOnlyList<BindSpec>? Binds, string? Error) Unix(string text, string path, string currentDirectory)
    {
        if (path.Length == 0 || path == "@")
        {
            return Wrong("has no path: write unix:/run/app.sock or unix:@name");
        }

        // GREEN_LISTEN and GREEN_BIND are lists; a separator inside a path would split it.
        if (path.AsSpan().IndexOfAny(';', ',', '\0') >= 0)
        {
            return Wrong("must not contain ';' or ','");
        }

        var full = path[0] == '@' ? path : Path.GetFullPath(path, currentDirectory);
        return ControlPaths.Fits(full)
            ? ([new BindEndpoint(text, ListenEndpoint.Unix(full))], null)
            : Wrong(string.Create(CultureInfo.InvariantCulture, $"is longer than the kernel's limit of {ControlPaths.LongestPath} bytes for a Unix socket"));
    }

    private static (IReadOnlyList<BindSpec>? Binds, string? Error) Parse(string text, string currentDirectory)
    {
        if (text.Equals("systemd", StringComparison.OrdinalIgnoreCase))
        {
            return ([new BindSystemd(text)], null);
        }

        if (After(text, "fd://") is { } descriptor)
        {
            return int.TryParse(descriptor, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 3
                ? ([new BindDescriptor(text, number)], null)
                : Wrong("must name a descriptor from 3 on, as in fd://3");
        }

        if ((After(text, "unix://") ?? After(text, "unix:") ?? After(text, "http://unix:")) is { } path)
        {
            return Unix(text, path, currentDirectory);
        }

        if (After(text, "https://") is { } secured)
        {
            return Wrong($"asks for TLS, which is the app's job: configure https://{secured} under Kestrel:Endpoints and bind {HostAndPort(secured)} here");
        }

        if (After(text, "http://") is { } url)
        {
            var end = url.IndexOf('/', StringComparison.Ordinal);
            return end >= 0 && end < url.Length - 1
                ? Wrong($"has a path, which belongs in the app (UsePathBase): write http://{HostAndPort(url)}")
                : Address(text, HostAndPort(url), portByDefault: 80);
        }

        if (text.Contains("://", StringComparison.Ordinal) && After(text, "tcp://") is null)
        {
            return Wrong($"must be {Forms}");
        }

        return Address(text, After(text, "tcp://") ?? text, portByDefault: null);
    }

    private static (IReadOnlyList<BindSpec>? Binds, string? Error) Address(string text, string address, int? portByDefault)
    {
        if (address.Length == 0)
        {
            return Wrong($"must be {Forms}");
        }

        if (address.All(char.IsAsciiDigit))
        {
            return Wrong($"is only a port: write :{address} for every address, 127.0.0.1:{address} for this machine only");
        }

        if (address[0] is '/' or '.')
        {
            return Wrong($"looks like a path: write unix:{address} for a Unix socket");
        }

        var colon = address.LastIndexOf(':');
        var (host, port) = colon < 0 || address[^1] == ']' ? (address, null) : (address[..colon], address[(colon + 1)..]);
        if (host is not ['[', .., ']'] && host.Contains(':', StringComparison.Ordinal))
        {
            return Wrong($"needs brackets around an IPv6 address, as in [::1]:{(portByDefault ?? 8000)}");
        }

        if (port is null && portByDefault is null)
        {
            return Wrong($"has no port: write {host}:8000");
        }

        var number = portByDefault ?? 0;
        if (port is not null && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number > IPEndPoint.MaxPort))
        {
            return Wrong($"must have a port from 0 to {IPEndPoint.MaxPort}");
        }

        if (number == 0 && host.Equals(LocalHost, StringComparison.OrdinalIgnoreCase))
        {
            return Wrong("would get two different ports, one per address of localhost: write 127.0.0.1:0 or [::1]:0");
        }

        return Tcp(text, host, number) is { } binds
            ? (binds, null)
            : Wrong($"names the host {host}, but only addresses can be bound: write its IP address, or :{number} for every address");
    }

    private static bool TryParseAddress(string host, [NotNullWhen(true)] out IPAddress? address)
    {
        var bracketed = host is ['[', .., ']'];
        // IPAddress also parses 127.1, 010.0.0.1 and a bare number: only the plain form is unambiguous.
        return IPAddress.TryParse(bracketed ? host[1..^1] : host, out address)
            && (address.AddressFamily == AddressFamily.InterNetworkV6 ? bracketed : address.ToString() == host);
    }

    private static string HostAndPort(string url) => url.Split('/')[0];

    private static string? After(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? text[prefix.Length..] : null;

    private static (IReadOnlyList<BindSpec>? Binds, string? Error) Wrong(string error) => (null, error);
}
