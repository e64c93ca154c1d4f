using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Decides purely which <c>urls</c> Kestrel gets in a process with inherited listeners, so that all of them are served even
/// if the app configured none, or others.
/// </summary>
internal static class InheritedUrls
{
    private const string PlaceholderPrefix = "/.green-inherited-";

    /// <summary>
    /// The urls to use instead of the configured ones; null if those fit: each url is answered by an inherited listener, and
    /// each inherited listener by a url.
    /// </summary>
    /// <param name="configured">The urls that the host was given.</param>
    /// <param name="inherited">The inherited listeners.</param>
    public static IReadOnlyList<string>? Replace(IReadOnlyCollection<string> configured, IReadOnlyCollection<InheritedListener> inherited)
    {
        var kept = configured.Where(url => Asked(url).Any(asked => inherited.Any(one => one.Endpoint.Covers(asked)))).ToArray();
        var unserved = inherited.Where(one => !kept.SelectMany(Asked).Any(one.Endpoint.Covers)).ToArray();
        return kept.Length == configured.Count && unserved.Length == 0 ? null : [.. kept, .. unserved.Select(Url)];
    }

    /// <summary>The descriptor that a placeholder path stands for.</summary>
    public static bool TryGetPlaceholder(UnixDomainSocketEndPoint asked, out int descriptor)
    {
        var path = asked.ToString();
        descriptor = 0;
        return path.StartsWith(PlaceholderPrefix, StringComparison.Ordinal)
            && int.TryParse(path.AsSpan(PlaceholderPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out descriptor);
    }

    private static string Url(InheritedListener listener)
    {
        if (listener.Endpoint.IP is { } ip && ip.Address is not { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: not 0 })
        {
            return $"http://{ip}";
        }

        // A url can name an absolute path without characters that urls are split at. Any other socket gets a placeholder path
        // that stands for the descriptor: given http://unix:@name, Kestrel would silently bind [::]:80.
        return listener.Endpoint.UnixPath is { } path && path[0] == '/' && path.AsSpan().IndexOfAny(':', ';', '%') < 0
            ? $"http://unix:{path}"
            : string.Create(CultureInfo.InvariantCulture, $"http://unix:{PlaceholderPrefix}{listener.Descriptor}");
    }

    /// <summary>The endpoints that Kestrel will ask for when given this url; none if sockets cannot serve it.</summary>
    public static EndPoint[] Asked(string url)
    {
        try
        {
            return Asked(BindingAddress.Parse(url));
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            return [];
        }
    }

    private static EndPoint[] Asked(BindingAddress address)
    {
        if (address.IsUnixPipe)
        {
            return [new UnixDomainSocketEndPoint(address.UnixPipePath)];
        }

        if (address.IsNamedPipe)
        {
            return [];
        }

        if (address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            return [new IPEndPoint(IPAddress.Loopback, address.Port), new IPEndPoint(IPAddress.IPv6Loopback, address.Port)];
        }

        return [new IPEndPoint(IPAddress.TryParse(address.Host, out var ip) ? ip : IPAddress.IPv6Any, address.Port)];
    }

    /// <summary>The entries of a list in a setting.</summary>
    public static string[] Split(string? list) => list?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
