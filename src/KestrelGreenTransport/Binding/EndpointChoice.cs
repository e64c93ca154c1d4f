using System.Net;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Decides purely what a process serves if its listeners come from elsewhere.
///
/// The supervisor's listeners win over the endpoints that the app configured, unless one of those names an inherited
/// address (it may add TLS) or the supervisor binds what the app asks for. If several hosts share the process, nothing that
/// one of them names is replaced: it could open the other host's address.
/// </summary>
/// <param name="Urls">The urls to give Kestrel; null to keep those it has.</param>
/// <param name="OverrideApp">Whether they replace endpoints that the app configured.</param>
internal readonly record struct EndpointChoice(IReadOnlyList<string>? Urls, bool OverrideApp)
{
    /// <summary>Where an app listens that names no address, as in gunicorn.</summary>
    public const string DefaultUrl = "http://127.0.0.1:8000";

    private static readonly EndpointChoice AsConfigured = new(null, OverrideApp: false);

    /// <param name="app">The endpoints that the app configured, in code or under Kestrel:Endpoints.</param>
    /// <param name="urls">The urls that the host was given.</param>
    /// <param name="ports">Urls for the ports that the host was given, as a container image sets them for every app.</param>
    /// <param name="inherited">The inherited sockets, and whether the process may ask for more.</param>
    public static EndpointChoice Of(IReadOnlyCollection<EndPoint> app, IReadOnlyCollection<string> urls, IReadOnlyCollection<string> ports, InheritedSockets inherited)
    {
        if (app.Count == 0)
        {
            if (!inherited.Any)
            {
                return urls.Count + ports.Count == 0 ? new([DefaultUrl], OverrideApp: false) : AsConfigured;
            }

            return urls.Count != 0 && inherited.Claims.AreSeveral
                ? AsConfigured
                : new(InheritedUrls.Replace(urls.Count != 0 ? urls : ports, inherited.Unclaimed), OverrideApp: false);
        }

        return inherited is { Any: true, IsWorker: true, HasBroker: false, Claims.AreSeveral: false } && !app.Any(endpoint => inherited.Find(endpoint) is not null)
            ? new(InheritedUrls.Replace([], inherited.Unclaimed), OverrideApp: true)
            : AsConfigured;
    }
}
