using System.Net;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// What a process serves whose listeners come from elsewhere. Decides purely.
///
/// What somebody asked the supervisor for wins over what the app configured; where the app's endpoints name the same
/// addresses they stay, since they may add TLS.
/// </summary>
/// <param name="Urls">The urls to give Kestrel; null to leave those it has.</param>
/// <param name="OverrideApp">Whether they replace endpoints that the app configured.</param>
internal readonly record struct EndpointChoice(IReadOnlyList<string>? Urls, bool OverrideApp)
{
    /// <summary>Where an app listens that says nothing, as gunicorn does.</summary>
    public const string DefaultUrl = "http://127.0.0.1:8000";

    private static readonly EndpointChoice AsConfigured = new(null, OverrideApp: false);

    /// <param name="app">The endpoints that the app configured, in code or under Kestrel:Endpoints.</param>
    /// <param name="urls">The urls that the host was given.</param>
    /// <param name="inherited">What this process was born with, and whether it may ask for more.</param>
    public static EndpointChoice Of(IReadOnlyCollection<EndPoint> app, IReadOnlyCollection<string> urls, InheritedSockets inherited)
    {
        if (app.Count == 0)
        {
            return inherited.Any
                ? new(InheritedUrls.Replace(urls, inherited.Listeners), OverrideApp: false)
                : urls.Count == 0 ? new([DefaultUrl], OverrideApp: false) : AsConfigured;
        }

        return inherited is { Any: true, IsWorker: true, HasBroker: false } && !app.Any(endpoint => inherited.Find(endpoint) is not null)
            ? new(InheritedUrls.Replace([], inherited.Listeners), OverrideApp: true)
            : AsConfigured;
    }
}
