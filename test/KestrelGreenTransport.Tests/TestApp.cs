using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Settings;
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

    /// <summary>For tests that must hold for every backend.</summary>
    public static TheoryData<GreenTransportBackend> Backends => [GreenTransportBackend.Sockets, GreenTransportBackend.Epoll];

    public WebApplication App { get; }

    public TransportState State => App.Services.GetRequiredService<TransportState>();

    public ConnectionPool Pool => (ConnectionPool)Assert.Single(State.Pools);

    public IReadOnlyList<string> Addresses => [.. App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];

    public Uri Address => new(Addresses[0]);

    public static async Task<TestApp> StartAsync(
        Action<GreenTransportOptions>? configure = null,
        Action<KestrelServerOptions>? kestrel = null,
        Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? build = null,
        InheritedSockets? inherited = null)
    {
        var app = Create(configure, kestrel, map, build, inherited);
        try
        {
            await app.App.StartAsync();
            return app;
        }
        catch
        {
            await app.App.DisposeAsync();
            throw;
        }
    }

    /// <summary>An app that is not started yet. With inherited sockets it configures no endpoint of its own.</summary>
    public static TestApp Create(
        Action<GreenTransportOptions>? configure = null,
        Action<KestrelServerOptions>? kestrel = null,
        Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? build = null,
        InheritedSockets? inherited = null,
        Dictionary<string, string>? environment = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        build?.Invoke(builder);
        builder.WebHost.UseGreenTransport(
            options => configure?.Invoke(options), inherited ?? new InheritedSockets([], isWorker: false), new TestEnvironment(environment ?? []));
        if (kestrel is not null || inherited is null)
        {
            builder.WebHost.ConfigureKestrel(kestrel ?? (static options => options.Listen(IPAddress.Loopback, 0)));
        }

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

    /// <summary>The answer to "/" at an endpoint, on its own connection.</summary>
    public static async Task<string> GetAsync(EndPoint endPoint)
    {
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endPoint, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        using var client = new HttpClient(handler) { Timeout = Wait.Limit };
        return await client.GetStringAsync("http://test/");
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync(new CancellationToken(canceled: true));
        await App.DisposeAsync();
    }

    private sealed class TestEnvironment(Dictionary<string, string> variables) : IEnvironment
    {
        public string? Get(string name) => variables.GetValueOrDefault(name);
    }
}
