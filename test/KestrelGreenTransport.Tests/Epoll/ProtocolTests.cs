using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>Protocols on top of a connection, over every transport.</summary>
public class ProtocolTests
{
    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Tls_with_client_certificates_carries_large_bodies(ServedBy by)
    {
        using var server = Certificates.SelfSigned("localhost");
        using var own = Certificates.SelfSigned("client");
        await using var app = await ServedApp.StartAsync(
            by,
            static routes => routes.MapPost("/", static async (HttpContext context) =>
            {
                context.Response.Headers["Subject"] = (await context.Connection.GetClientCertificateAsync())?.Subject;
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                await context.Response.Body.WriteAsync(body.ToArray());
            }),
            listen => listen.UseHttps(https =>
            {
                https.ServerCertificate = server;
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.AllowAnyClientCertificate();
            }));
        foreach (var version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using var client = new HttpClient(new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, remote, _, _) => server.Equals(remote), ClientCertificates = [own] },
            });
            var content = new byte[1_000_000];
            Bytes.Fill(content, 0);
            using var request = new HttpRequestMessage(HttpMethod.Post, app.Address) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(content) };
            using var response = await Wait.ForAsync(client.SendAsync(request));
            Assert.Equal("CN=client", response.Headers.GetValues("Subject").Single());
            Assert.Equal(content, await response.Content.ReadAsByteArrayAsync());
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Http2_streams_share_a_connection_under_flow_control(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(
            by,
            static routes => routes.MapPost("/{slow:int}", static async (int slow, HttpContext context) =>
            {
                using var body = new MemoryStream();
                var buffer = new byte[10_000];
                for (var i = 0; await context.Request.Body.ReadAsync(buffer) is > 0 and var length; i++)
                {
                    body.Write(buffer, 0, length);
                    if (i % 20 < slow)
                    {
                        await Task.Delay(1);
                    }
                }

                await context.Response.Body.WriteAsync(body.ToArray());
            }),
            static listen => listen.Protocols = HttpProtocols.Http2,
            static options =>
            {
                options.Limits.Http2.InitialConnectionWindowSize = 65_535;
                options.Limits.Http2.InitialStreamWindowSize = 65_535;
            });
        using var client = app.CreateClient();
        await Wait.ForAsync(Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            var content = new byte[500_000 + i];
            Bytes.Fill(content, i);
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/{i % 3}") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(content) };
            using var response = await client.SendAsync(request);
            Assert.Equal(content, await response.Content.ReadAsByteArrayAsync());
        })));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task WebSockets_echo_messages_of_all_sizes(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes =>
        {
            routes.UseWebSockets();
            routes.Map("/", static async (HttpContext context) =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[20_000];
                while (true)
                {
                    var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
                    if (received.MessageType == WebSocketMessageType.Close)
                    {
                        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                        return;
                    }

                    await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
                }
            });
        });
        await Wait.ForAsync(Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            using var client = new ClientWebSocket();
            await client.ConnectAsync(new UriBuilder(app.Address) { Scheme = "ws" }.Uri, CancellationToken.None);
            foreach (var size in (int[])[0, 1, 125, 126, 4096, 65_535, 65_536, 300_000])
            {
                var message = new byte[size];
                Bytes.Fill(message, size);
                var sending = client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
                var echo = new byte[size + 1];
                var got = 0;
                ValueWebSocketReceiveResult result;
                do
                {
                    result = await client.ReceiveAsync(echo.AsMemory(got), CancellationToken.None);
                    got += result.Count;
                }
                while (!result.EndOfMessage);

                await sending;
                Assert.Equal(size, got);
                Bytes.Check(echo.AsSpan(0, got), size);
            }

            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        })));
    }
}
