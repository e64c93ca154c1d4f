using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Has each connection say when Kestrel's HTTP gets it, so that a drain knows those that it never gets: connection handlers
/// of the app, which speak a protocol of their own.
///
/// The mark is the last middleware of an endpoint. It is put there before the server starts, on the endpoints of code, and by
/// the endpoint defaults on those that come of urls and of configuration. Both are read by members that are not public:
/// should a later version of Kestrel not have them, every connection counts as HTTP.
/// </summary>
internal static class HttpMark
{
    /// <summary>Puts it on all endpoints; false where that cannot be done.</summary>
    public static bool TryPut(KestrelServerOptions options)
    {
        try
        {
            var defaults = EndpointDefaults(options);
            options.ConfigureEndpointDefaults(endpoint =>
            {
                defaults(endpoint);
                Put(endpoint);
            });
            AppEndpoints.CodeBackedListenOptions(options).ForEach(Put);
            return true;
        }
        catch (MissingMethodException)
        {
            return false;
        }
    }

    private static void Put(ListenOptions endpoint) => endpoint.Use(static next => connection =>
    {
        connection.Features.Get<ConnectionActivity>()?.ReachHttp();
        return next(connection);
    });

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EndpointDefaults")]
    private static extern Action<ListenOptions> EndpointDefaults(KestrelServerOptions options);
}
