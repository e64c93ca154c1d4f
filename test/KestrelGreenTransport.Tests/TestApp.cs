using System.Net;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests;

/// <summary>A small web app on the transport, on a free port of 127.0.0.1 unless told otherwise.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private TestApp(WebApplication app) => App = app;

    public WebApplication App { get; }

    public TransportState State => App.Services.GetRequiredService<TransportState>();

    public ConnectionPool Pool => (ConnectionPool)Assert.Single(State.Pools);

    public Uri Address => new(App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<TestApp> StartAsync(
        Action<GreenTransportOptions>? configure = null,
        Action<KestrelServerOptions>? kestrel = null,
        Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? build = null)
    {
        var app = Create(configure, kestrel, map, build);
        try
        {
            await app.App.StartAsync();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public static TestApp Create(
        Action<GreenTransportOptions>? configure = null,
        Action<KestrelServerOptions>? kestrel = null,
        Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? build = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseGreenTransport(options => configure?.Invoke(options));
        builder.WebHost.ConfigureKestrel(kestrel ?? (static options => options.Listen(IPAddress.Loopback, 0)));
        build?.Invoke(builder);
        var app = builder.Build();
        if (map is null)
        {
            app.MapGet("/", () => "hello");
        }
        else
        {
            map(app);
        }

        return new TestApp(app);
    }

    public HttpClient CreateClient() => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address, Timeout = Wait.Limit };

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync(new CancellationToken(canceled: true));
        await App.DisposeAsync();
    }
}
