using System.Runtime.CompilerServices;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Makes each connection record when Kestrel's HTTP gets it, so that a drain knows the others: those of the app's own
/// connection handlers, which speak another protocol.
///
/// The mark is the last middleware of an endpoint. It is added before the server starts: to the endpoints of code directly,
/// to those of urls and configuration through the endpoint defaults. Both are read through members that are not public: if a
/// later version of Kestrel lacks them, every connection counts as HTTP.
/// </summary>
internal static class HttpMark
{
    /// <summary>Adds it to all endpoints; false if that is not possible.</summary>
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
