using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace KestrelGreenTransport.Tests.Accepting;

public class ProtocolTests
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Https_is_served(string version)
    {
        using var certificate = SelfSigned();
        await using var app = await TestApp.StartAsync(
            kestrel: options => options.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)),
            map: routes => routes.MapGet("/", (HttpContext context) => context.Request.Protocol));
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, remote, _, _) => certificate.Equals(remote) },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, app.Address) { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await Wait.ForAsync(client.SendAsync(request));
        Assert.Equal(version == "2.0" ? "HTTP/2" : "HTTP/1.1", await response.Content.ReadAsStringAsync());
        Assert.Equal(1, app.Pool.Held);
    }

    [Fact]
    public async Task Http2_without_tls_is_served_and_many_streams_hold_one_slot()
    {
        await using var app = await TestApp.StartAsync(
            options => options.WorkerConnections = 1,
            kestrel: options => options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2),
            map: routes => routes.MapPost("/", async (Stream body) => await new StreamReader(body).ReadToEndAsync()));
        using var client = app.CreateClient();
        var bodies = Enumerable.Range(0, 20).Select(i => new string((char)('a' + i), 200_000)).ToArray();
        var answers = bodies.Select(async body =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new StringContent(body) };
            using var response = await client.SendAsync(request);
            return await response.Content.ReadAsStringAsync();
        });
        Assert.Equal(bodies, await Wait.ForAsync(Task.WhenAll(answers)));
        Assert.Equal((1, 1), (app.Pool.Held, app.Pool.Accepted));
    }

    [Fact]
    public async Task A_WebSocket_holds_its_slot_until_it_closes()
    {
        await using var app = await TestApp.StartAsync(map: routes =>
        {
            routes.UseWebSockets();
            routes.Map("/", async (HttpContext context) =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[100];
                var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
                await socket.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
            });
        });
        using (var client = new ClientWebSocket())
        {
            using var limit = new CancellationTokenSource(Wait.Limit);
            await client.ConnectAsync(new UriBuilder(app.Address) { Scheme = "ws" }.Uri, limit.Token);
            Assert.Equal(1, app.Pool.Held);
            await client.SendAsync(Encoding.UTF8.GetBytes("echo"), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
            var buffer = new byte[100];
            var received = await client.ReceiveAsync(buffer.AsMemory(), limit.Token);
            Assert.Equal("echo", Encoding.UTF8.GetString(buffer, 0, received.Count));
            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }

        await Wait.UntilAsync(() => app.Pool.Held == 0, "the slot is back");
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task A_WebSocket_gives_its_slot_back_at_the_upgrade_if_told_to_and_only_once(GreenTransportBackend backend)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        await using var app = await TestApp.StartAsync(
            options => (options.Backend, options.WorkerConnections, options.UpgradedConnectionsHoldSlot) = (backend, 1, false),
            map: routes =>
            {
                routes.UseWebSockets();
                routes.Map("/", static async (HttpContext context) =>
                {
                    if (!context.WebSockets.IsWebSocketRequest)
                    {
                        await context.Response.WriteAsync("hello");
                        return;
                    }

                    using var socket = await context.WebSockets.AcceptWebSocketAsync();
                    await socket.ReceiveAsync(new byte[1], context.RequestAborted);
                    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                });
            });
        var address = new UriBuilder(app.Address) { Scheme = "ws" }.Uri;
        using var first = new ClientWebSocket();
        using var second = new ClientWebSocket();
        await first.ConnectAsync(address, limit.Token);
        await second.ConnectAsync(address, limit.Token);
        await Wait.UntilAsync(() => app.Pool is { Held: 0, Accepted: 2 }, "neither holds a slot");
        foreach (var socket in (ClientWebSocket[])[first, second])
        {
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }

        // If the one slot had been returned twice, two of these clients would be served at once.
        using var client = app.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/", limit.Token));
        using var other = app.CreateClient();
        var waiting = other.GetStringAsync("/", limit.Token);
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 1, "another client waits in the kernel's queue");
        Assert.Equal(1, app.Pool.Held);
        client.Dispose();
        Assert.Equal("hello", await waiting);
    }

    [Fact]
    public async Task A_connection_carries_the_features_of_the_stock_transport()
    {
        var features = new TaskCompletionSource<(bool Socket, bool MemoryPool, bool Lifetime, EndPoint? Remote)>();
        await using var app = await TestApp.StartAsync(kestrel: options => options.Listen(IPAddress.Loopback, 0, listen => listen.Use(next => async connection =>
        {
            features.SetResult((
                connection.Features.Get<IConnectionSocketFeature>()?.Socket is not null,
                connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool is not null,
                connection.Features.Get<IConnectionLifetimeFeature>() is not null,
                connection.RemoteEndPoint));
            await next(connection);
        })));
        using var client = app.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        var (socket, memoryPool, lifetime, remote) = await Wait.ForAsync(features.Task);
        Assert.True(socket && memoryPool && lifetime);
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(remote).Address);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
