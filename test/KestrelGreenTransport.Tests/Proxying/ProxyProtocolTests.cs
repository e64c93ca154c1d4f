using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Proxying;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static KestrelGreenTransport.GreenTransportProxyProtocol;

namespace KestrelGreenTransport.Tests.Proxying;

/// <summary>Connections through a proxy that reports its client, over both backends.</summary>
public class ProxyProtocolTests
{
    private const int HeaderRefused = 30;
    private const string Request = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    private static readonly IPEndPoint Client = new(IPAddress.Parse("192.0.2.7"), 56324);
    private static readonly IPEndPoint Server = new(IPAddress.Parse("198.51.100.1"), 443);

    public static TheoryData<GreenTransportBackend> Backends => TestApp.Backends;

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task The_app_sees_the_client_and_where_it_connected_to(GreenTransportBackend backend)
    {
        await using var app = await StartAsync(backend, Any);
        Assert.Equal("192.0.2.7:56324 198.51.100.1:443", await AskAsync(app, Headers.V1("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443")));
        Assert.Equal("192.0.2.7:56324 198.51.100.1:443", await AskAsync(app, Headers.V2(Client, Server)));
        Assert.Equal("2001:db8::7:1 ::1:2", await AskAsync(app, Headers.V1("PROXY TCP6 2001:db8::7 ::1 1 2")));

        // The connection's own addresses, if the proxy sends a request of its own or does not know the client.
        Assert.StartsWith("127.0.0.1:", await AskAsync(app, Headers.V2(0x20, 0)), StringComparison.Ordinal);
        Assert.EndsWith($" 127.0.0.1:{app.Address.Port}", await AskAsync(app, Headers.V1("PROXY UNKNOWN")), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task A_header_may_dribble_in_and_holds_up_nobody_else(GreenTransportBackend backend)
    {
        await using var app = await StartAsync(backend, Any);
        using var slow = await ConnectAsync(app);
        using var silent = await ConnectAsync(app);
        byte[] whole = [.. Headers.V2(Client, Server, Headers.Value(0xEA, new byte[100])), .. "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"u8];
        foreach (var one in whole.Take(40))
        {
            await slow.SendAllAsync(new[] { one });
        }

        Assert.Equal("192.0.2.7:56324 198.51.100.1:443", await AskAsync(app, Headers.V2(Client, Server)));
        foreach (var one in whole.Skip(40))
        {
            await slow.SendAllAsync(new[] { one });
        }

        Assert.EndsWith("192.0.2.7:56324 198.51.100.1:443", await slow.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task TLS_begins_behind_the_header(GreenTransportBackend backend)
    {
        using var certificate = Certificates.SelfSigned("localhost");
        await using var app = await StartAsync(backend, V2, listen: listen => listen.UseHttps(certificate));
        using var socket = await ConnectAsync(app);
        await socket.SendAllAsync(Headers.V2(Client, Server));
        await using var stream = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, remote, _, _) => certificate.Equals(remote));
        await Wait.ForAsync(stream.AuthenticateAsClientAsync("localhost"));
        await stream.WriteAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(stream);
        Assert.EndsWith("192.0.2.7:56324 198.51.100.1:443", await Wait.ForAsync(reader.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task A_connection_without_a_proper_header_is_reset_counted_and_logged_once_in_a_while(GreenTransportBackend backend)
    {
        using var lines = new LogLines();
        await using var app = await StartAsync(backend, V1, lines: lines);
        using var meter = new Errors(app);
        for (var i = 0; i < 3; i++)
        {
            using var client = await ConnectAsync(app);
            await client.SendAsync(Request);
            await client.ExpectResetAsync();
        }

        using (var cut = await ConnectAsync(app))
        {
            await cut.SendAsync("PROXY TCP4");
            cut.Shutdown(SocketShutdown.Send);
            await cut.ExpectResetAsync();
        }

        await Wait.UntilAsync(() => app.Pool.Held == 0, "all slots are back");
        Assert.Equal(4, meter.Count("malformed"));
        var line = Assert.Single(lines.All, static line => line.Id == HeaderRefused);
        Assert.Equal(LogLevel.Warning, line.Level);
        Assert.Contains("does not begin with a header of version 1", line.Text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task A_client_that_closes_without_a_byte_is_no_error(GreenTransportBackend backend)
    {
        await using var app = await StartAsync(backend, Any);
        using var meter = new Errors(app);
        using (var client = await ConnectAsync(app))
        {
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal("", await client.ReceiveAllAsync());
        }

        await Wait.UntilAsync(() => app.Pool is { Held: 0, Accepted: 1 }, "its slot is back");
        Assert.Equal(0, meter.Count("malformed"));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Who_is_no_trusted_proxy_is_reset_before_it_can_claim_anything(GreenTransportBackend backend)
    {
        await using var app = await StartAsync(backend, Any, options =>
        {
            options.ProxyProtocolTrusted.Clear();
            options.ProxyProtocolTrusted.Add(IPNetwork.Parse("10.0.0.0/8"));
        });
        using var meter = new Errors(app);

        // The reset may come as early as during the connect.
        var reset = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var client = await ConnectAsync(app);
            await client.ReceiveAllAsync();
        });
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        await Wait.UntilAsync(() => app.Pool is { Held: 0, Accepted: 1 }, "its slot is back");
        Assert.Equal(1, meter.Count("untrusted"));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task A_header_that_does_not_come_in_time_ends_its_connection(GreenTransportBackend backend)
    {
        var limit = new LimitByHand();
        await using var app = await StartAsync(backend, Any, time: limit);
        using var meter = new Errors(app);
        using var client = await ConnectAsync(app);
        await client.SendAsync("PROXY TCP4 192.");
        (await Wait.ForAsync(limit.Armed)).Invoke();
        await client.ExpectResetAsync();
        await Wait.UntilAsync(() => app.Pool.Held == 0, "its slot is back");
        Assert.Equal(1, meter.Count("timeout"));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task A_real_sender_is_understood(GreenTransportBackend backend)
    {
        await using var app = await StartAsync(backend, V1);
        using var curl = Process.Start(new ProcessStartInfo("curl", ["--silent", "--noproxy", "*", "--haproxy-protocol", app.Address.ToString()]) { RedirectStandardOutput = true })!;
        var answer = await Wait.ForAsync(curl.StandardOutput.ReadToEndAsync());
        await Wait.ForAsync(curl.WaitForExitAsync());
        Assert.StartsWith("127.0.0.1:", answer, StringComparison.Ordinal);
        Assert.EndsWith($" 127.0.0.1:{app.Address.Port}", answer, StringComparison.Ordinal);
    }

    private static Task<TestApp> StartAsync(
        GreenTransportBackend backend, GreenTransportProxyProtocol versions, Action<GreenTransportOptions>? configure = null,
        Action<Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions>? listen = null, LogLines? lines = null, TimeProvider? time = null) => TestApp.StartAsync(
        options =>
        {
            (options.Backend, options.ProxyProtocol) = (backend, versions);
            configure?.Invoke(options);
        },
        kestrel: options => options.Listen(IPAddress.Loopback, 0, listen ?? (static _ => { })),
        map: static routes => routes.MapGet("/", static (HttpContext context) =>
        {
            var (connection, feature) = (context.Connection, context.Features.Get<IProxyProtocolFeature>()!);
            Assert.Equal(IPAddress.Loopback, ((IPEndPoint)feature.ProxyEndPoint!).Address);
            var ends = $"{connection.RemoteIpAddress}:{connection.RemotePort} {connection.LocalIpAddress}:{connection.LocalPort}";
            context.Response.ContentLength = ends.Length;
            return ends;
        }),
        build: builder =>
        {
            if (lines is not null)
            {
                builder.Logging.AddProvider(lines);
            }

            if (time is not null)
            {
                builder.Services.AddSingleton(new TransportClock(time));
            }
        });

    private static async Task<string> AskAsync(TestApp app, byte[] header)
    {
        using var socket = await ConnectAsync(app);
        await socket.SendAllAsync(header);
        await socket.SendAsync("GET / HTTP/1.0\r\nHost: test\r\n\r\n");
        return (await socket.ReceiveAllAsync()).Split("\r\n\r\n")[^1];
    }

    private static async Task<Socket> ConnectAsync(TestApp app)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, app.Address.Port);
        return socket;
    }

    /// <summary>The real time, except that the test decides when the limit of the first header is over.</summary>
    private sealed class LimitByHand : TimeProvider
    {
        private readonly TaskCompletionSource<Action> _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends the limit. Available once a header is awaited.</summary>
        public Task<Action> Armed => _armed.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime != ProxyProtocolAcceptor.HeaderLimit)
            {
                return base.CreateTimer(callback, state, dueTime, period);
            }

            _armed.TrySetResult(() => callback(state));
            return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class Errors : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, long> _counts = [];

        public Errors(TestApp app)
        {
            var factory = app.App.Services.GetRequiredService<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == factory && instrument.Name == "green.transport.proxy_protocol.errors")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            {
                lock (_counts)
                {
                    var kind = (string)tags[1].Value!;
                    _counts[kind] = _counts.GetValueOrDefault(kind) + value;
                }
            });
            _listener.Start();
        }

        public long Count(string kind)
        {
            lock (_counts)
            {
                return _counts.GetValueOrDefault(kind);
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
