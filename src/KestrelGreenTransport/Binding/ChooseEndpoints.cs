using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Hosting;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Before the server starts: makes Kestrel ask for the endpoints that this process should serve, if its listeners are
/// inherited or bound by a supervisor. <see cref="EndpointChoice"/> decides which.
/// </summary>
internal sealed class ChooseEndpoints(
    IServer server, InheritedSockets inherited, MissingEndpoints missing, IOptions<KestrelServerOptions> kestrel, IConfiguration configuration,
    TransportState state, ILoggerFactory loggers, WorkerContract? contract = null)
    : HostedLifecycle
{
    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        state.MarksHttp = HttpMark.TryPut(kestrel.Value);
        if ((inherited.Any || inherited.HasBroker)
            && server.Features.Get<IServerAddressesFeature>() is { Addresses.IsReadOnly: false } feature)
        {
            var endpoints = AppEndpoints.Of(kestrel.Value);
            var urls = Urls(feature);
            if (inherited.Any && endpoints.Count == 0 && (urls.Length == 0 || !inherited.Claims.AreSeveral) && inherited.Unclaimed.Count == 0)
            {
                throw missing.NothingLeft();
            }

            var choice = EndpointChoice.Of(endpoints, urls, Ports(), inherited);
            if (choice.Urls is { } chosen)
            {
                feature.Addresses.Clear();
                foreach (var url in chosen)
                {
                    feature.Addresses.Add(url);
                }

                feature.PreferHostingUrls = choice.OverrideApp;
            }
        }

        return Task.CompletedTask;
    }

    public override Task StartedAsync(CancellationToken cancellationToken)
    {
        // Only the first worker logs it, for all.
        if (inherited.IsWorker && contract is null or { Index: 1 } && AppEndpoints.WithHttp3(kestrel.Value) is { } endpoint)
        {
            Log.Http3TakenOff(loggers.CreateLogger(Log.Category), endpoint);
        }

        return Task.CompletedTask;
    }

    // In the host's order: addresses that code added to the server, then the setting urls, then the ports.
    private string[] Urls(IServerAddressesFeature feature) =>
        feature.Addresses.Count > 0 ? [.. feature.Addresses] : InheritedUrls.Split(configuration[WebHostDefaults.ServerUrlsKey]);

    private string[] Ports() =>
    [
        .. InheritedUrls.Split(configuration[WebHostDefaults.HttpPortsKey]).Select(static port => $"http://*:{port}"),
        .. InheritedUrls.Split(configuration[WebHostDefaults.HttpsPortsKey]).Select(static port => $"https://*:{port}"),
    ];
}
