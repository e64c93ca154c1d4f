using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Tests.Accepting;

public class ConnectionOptionsTests
{
    [Theory]
    [InlineData(GreenTransportBackend.Sockets, true)]
    [InlineData(GreenTransportBackend.Sockets, false)]
    [InlineData(GreenTransportBackend.Epoll, true)]
    [InlineData(GreenTransportBackend.Epoll, false)]
    public async Task NoDelay_reaches_the_connection(GreenTransportBackend backend, bool noDelay)
    {
        var seen = new TaskCompletionSource<bool>();
        await using var app = await TestApp.StartAsync(
            options => (options.Backend, options.NoDelay) = (backend, noDelay),
            kestrel: options => options.Listen(IPAddress.Loopback, 0, listen => listen.Use(next => connection =>
            {
                seen.SetResult(connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket.NoDelay);
                return next(connection);
            })));
        using var client = app.CreateClient();
        await client.GetStringAsync("/");
        Assert.Equal(noDelay, await Wait.ForAsync(seen.Task));
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task NoDelay_reaches_connections_of_an_inherited_listener(GreenTransportBackend backend)
    {
        var seen = new TaskCompletionSource<bool>();
        using var supervisors = Listeners.Tcp();
        Assert.False(supervisors.NoDelay);
        await using var app = await TestApp.StartAsync(
            options => options.Backend = backend,
            kestrel: options => options.Listen((IPEndPoint)supervisors.LocalEndPoint!, listen => listen.Use(next => connection =>
            {
                seen.SetResult(connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket.NoDelay);
                return next(connection);
            })),
            inherited: Listeners.Inherit(supervisors));
        Assert.Equal("hello", await TestApp.GetAsync(supervisors.LocalEndPoint!));
        Assert.True(await Wait.ForAsync(seen.Task));
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task With_DeferAccept_a_client_that_only_connects_is_not_accepted(GreenTransportBackend backend)
    {
        await using var app = await TestApp.StartAsync(options => (options.Backend, options.DeferAccept) = (backend, TimeSpan.FromMinutes(1)));
        using var silent = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await silent.ConnectAsync(IPAddress.Loopback, app.Address.Port);
        using var client = app.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        Assert.Equal(1, app.Pool.Accepted);

        await silent.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray());
        Assert.NotEqual(0, await Wait.ForAsync(silent.ReceiveAsync(new byte[100])));
        Assert.Equal(2, app.Pool.Accepted);
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task With_ReusePort_two_processes_share_an_address_and_both_are_given_clients(GreenTransportBackend backend)
    {
        void Configure(GreenTransportOptions options) => (options.Backend, options.ReusePort) = (backend, true);

        await using var first = await TestApp.StartAsync(Configure);
        await using var second = await TestApp.StartAsync(Configure, kestrel: options => options.Listen(IPAddress.Loopback, first.Address.Port));

        // The kernel distributes clients by a hash of both addresses. That all of them go to one listener is practically impossible.
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.Loopback, first.Address.Port)));
        }

        Assert.Equal(64, first.Pool.Accepted + second.Pool.Accepted);
        Assert.InRange(first.Pool.Accepted, 1, 63);
    }

    [Theory]
    [InlineData(null, true, 1)]
    [InlineData(null, false, 100)]
    [InlineData(7, true, 7)]
    [InlineData(7, false, 7)]
    public void A_shared_listener_is_accepted_from_one_at_a_time_unless_told_otherwise(int? batch, bool isShared, int expected)
    {
        using var socket = new ListenSocket(Listeners.Tcp(), ListenEndpoint.Unix("@test"), isShared);
        var context = new ListenerContext(socket, new ConnectionPool("test", 1), new AcceptGate(), new NoSiblings(), null!, new GreenTransportOptions { AcceptBatch = batch });
        Assert.Equal(expected, context.AcceptBatch);
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task A_slow_reader_holds_the_app_back_at_MaxWriteBufferSize(GreenTransportBackend backend)
    {
        long written = 0;
        await using var app = await TestApp.StartAsync(
            options => (options.Backend, options.MaxWriteBufferSize) = (backend, 8192),
            map: routes => routes.Map("/", async context =>
            {
                var block = new byte[64 * 1024];
                for (var i = 0; i < 1024; i++)
                {
                    await context.Response.Body.WriteAsync(block, context.RequestAborted);
                    Interlocked.Add(ref written, block.Length);
                }
            }));
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, app.Address.Port);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray());

        // The kernel's buffers take a few MiB at most; the whole answer has 64.
        var last = -1L;
        await Wait.UntilAsync(
            async () =>
            {
                await Task.Delay(200);
                var stands = last == Interlocked.Read(ref written);
                last = Interlocked.Read(ref written);
                return stands && last > 0;
            },
            "the app waits");
        Assert.InRange(last, 1, 32 * 1024 * 1024);
    }
}
