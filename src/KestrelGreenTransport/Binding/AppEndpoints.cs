using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// The endpoints that an app configured for Kestrel: in code, which Kestrel does not make public, and in configuration.
///
/// Those of code are read through a member that is not public. If a later version of Kestrel lacks it, they count as none:
/// urls are then given to Kestrel beside them, and it takes the app's endpoints and logs that.
/// </summary>
internal static class AppEndpoints
{
    /// <summary>The endpoints, before the server starts.</summary>
    public static IReadOnlyCollection<EndPoint> Of(KestrelServerOptions options) =>
        [.. InCode(options).Select(static one => one.EndPoint), .. InConfiguration(options)];

    /// <summary>An endpoint that asks for HTTP/3, once the server has started; null if none does.</summary>
    public static string? WithHttp3(KestrelServerOptions options) =>
        InUse(options).FirstOrDefault(static one => one.Protocols.HasFlag(HttpProtocols.Http3))?.ToString();

    private static IEnumerable<EndPoint> InConfiguration(KestrelServerOptions options) =>
        options.ConfigurationLoader?.Configuration.GetSection("Endpoints").GetChildren()
            .SelectMany(static endpoint => endpoint["Url"] is { } url ? InheritedUrls.Asked(url) : []) ?? [];

    private static List<ListenOptions> InCode(KestrelServerOptions options)
    {
        try
        {
            return CodeBackedListenOptions(options);
        }
        catch (MissingMethodException)
        {
            return [];
        }
    }

    private static ListenOptions[] InUse(KestrelServerOptions options)
    {
        try
        {
            return GetListenOptions(options);
        }
        catch (MissingMethodException)
        {
            return [];
        }
    }

    /// <exception cref="MissingMethodException">This version of Kestrel has no such member.</exception>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_CodeBackedListenOptions")]
    public static extern List<ListenOptions> CodeBackedListenOptions(KestrelServerOptions options);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetListenOptions")]
    private static extern ListenOptions[] GetListenOptions(KestrelServerOptions options);
}
