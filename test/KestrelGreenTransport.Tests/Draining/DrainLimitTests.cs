using System.Net.Sockets;
using System.Net.WebSockets;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>Connections and handlers that do not end by themselves when a process stops.</summary>
public class DrainLimitTests
{
    [Theory]
    [MemberData(nameof(DrainTests.ByOurs), MemberType = typeof(DrainTests))]
    public async Task WebSockets_and_event_streams_end_when_the_app_hears_of_the_stop(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes =>
        {
            routes.UseWebSockets();
            routes.Map("/socket", static async (HttpContext context, IHostApplicationLifetime lifetime) =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                using var stopping = lifetime.ApplicationStopping.Register(() => _ = socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "stopping", default));
                await socket.ReceiveAsync(new byte[10], default);
            });
            routes.MapGet("/events", static async (HttpContext context, IHostApplicationLifetime lifetime) =>
            {
                await context.Response.WriteAsync("data: one\n\n");
                await Task.Delay(Timeout.Infinite, lifetime.ApplicationStopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await context.Response.WriteAsync("data: bye\n\n");
            });
        });
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{app.Address.Port}/socket"), CancellationToken.None);
        using var client = app.CreateClient();
        using var events = await client.GetAsync(new Uri("/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);

        var stopping = app.StopAsync();
        var received = await Wait.ForAsync(socket.ReceiveAsync(new byte[10], CancellationToken.None));
        Assert.Equal(WebSocketMessageType.Close, received.MessageType);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        Assert.Equal("data: one\n\ndata: bye\n\n", await events.Content.ReadAsStringAsync());
        await Wait.ForAsync(stopping);
        Assert.Equal(0, app.Logs.Count(21));
    }

    [Theory]
    [MemberData(nameof(DrainTests.ByOurs), MemberType = typeof(DrainTests))]
    public async Task What_is_left_at_the_limit_is_cut_off_counted_and_named(ServedBy by)
    {
        var begun = new CountdownEvent(3);
        await using var app = await ServedApp.StartAsync(
            by,
            routes =>
            {
                routes.UseWebSockets();
                routes.MapGet("/hangs", async (HttpContext context) =>
                {
                    begun.Signal();
                    await Task.Delay(Timeout.Infinite, context.RequestAborted);
                });
                routes.Map("/socket", async (HttpContext context) =>
                {
                    using var socket = await context.WebSockets.AcceptWebSocketAsync();
                    begun.Signal();
                    await socket.ReceiveAsync(new byte[10], default);
                });
            },
            configure: static options => options.GracefulTimeout = TimeSpan.FromMilliseconds(100));
        using var one = await app.ConnectAsync();
        using var two = await app.ConnectAsync();
        foreach (var client in (Socket[])[one, two])
        {
            await client.SendAsync("GET /hangs HTTP/1.1\r\nHost: test\r\n\r\n");
        }

        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{app.Address.Port}/socket"), CancellationToken.None);
        await Task.Run(() => Assert.True(begun.Wait(Wait.Limit)));

        await Wait.ForAsync(app.StopAsync());
        var line = Assert.Single(app.Logs.All, static line => line.Id == 21).Text;
        Assert.Contains("cutting off 3 connections still open after 100 ms", line, StringComparison.Ordinal);
        Assert.Contains("3 requests in flight: /hangs (2 times), /socket.", line, StringComparison.Ordinal);
        await Assert.ThrowsAsync<WebSocketException>(() => Wait.ForAsync(socket.ReceiveAsync(new byte[10], CancellationToken.None)));
    }

    [Theory]
    [MemberData(nameof(DrainTests.ByOurs), MemberType = typeof(DrainTests))]
    public async Task A_quick_stop_finishes_nothing(ServedBy by)
    {
        var begun = new TaskCompletionSource();
        await using var app = await ServedApp.StartAsync(by, routes => routes.MapGet("/", async (HttpContext context) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }));
        using var client = await app.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        await Wait.ForAsync(begun.Task);

        // It overtakes a graceful stop, which would take half a minute.
        var stopping = app.StopAsync();
        app.Services.GetRequiredService<Drain>().LimitTo(TimeSpan.Zero);
        await Wait.ForAsync(stopping);
        Assert.Equal(1, app.Logs.Count(21));
    }
}
