using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Tests.Draining;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>Clients that connect but send no request do not lock out others either; they get longer than clients that have sent one before.</summary>
public class UnaskedReclaimTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    private readonly FakeTimeProvider _time = new();

    public static TheoryData<ServedBy> ByOurs => DrainTests.ByOurs;

    public static TheoryData<ServedBy, Spoken> OfOurs => HalfRequestTests.OfOurs();

    public static MatrixTheoryData<ServedBy, bool> BareOfOurs => new([ServedBy.Sockets, ServedBy.EpollAdaptive], [false, true]);

    [Theory]
    [MemberData(nameof(OfOurs))]
    public async Task One_that_has_said_nothing_for_10_s_makes_room_and_one_that_has_said_a_part_meanwhile_does_not(ServedBy by, Spoken spoken)
    {
        await using var app = await CutClient.ServeAsync(by, spoken, slots: 2, _time);

        // Over TLS it does not even begin the handshake.
        using var silent = await SilentAsync(app);
        await using var half = await CutClient.ConnectAsync(app, spoken);
        await Wait.UntilAsync(() => app.ConnectionFrom(half.Port) is not null, "it is accepted");
        _time.Advance(TimeSpan.FromSeconds(9));
        var request = await half.EncodeAsync();
        await half.SendAsync(request.AsMemory(..(request.Length / 2)));
        await Wait.UntilAsync(() => app.ConnectionFrom(half.Port)!.Activity.QuietSince == _time.GetTimestamp(), "a part has arrived");

        var first = CutClient.ConnectAsync(app, spoken);
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 1, "the first waits");
        var second = CutClient.ConnectAsync(app, spoken);
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 2, "both wait");
        _time.Advance(TimeSpan.FromSeconds(1) - Tick);
        Assert.Equal(0, app.Logs.Count(22));

        await UntilEndAsync(silent);
        await using (var client = await Wait.ForAsync(first))
        {
            Assert.Contains("hello", await client.AskAsync(), StringComparison.Ordinal);
        }

        await half.SendAsync(request.AsMemory((request.Length / 2)..));
        Assert.Contains("hello", await half.ExpectAnswerAsync(), StringComparison.Ordinal);
        await using var last = await Wait.ForAsync(second);
        Assert.Contains("hello", await last.AskAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_shorter_KeepAlive_counts_for_it_too(ServedBy by)
    {
        await using var app = await CutClient.ServeAsync(by, Spoken.Http1, slots: 1, _time, static options => options.KeepAlive = TimeSpan.FromSeconds(2));
        using var silent = await SilentAsync(app);
        await using var waiting = await CutClient.ConnectAsync(app, Spoken.Http1);
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 1, "it waits");
        _time.Advance(TimeSpan.FromSeconds(2) - Tick);
        Assert.Equal(0, app.Logs.Count(22));

        await UntilEndAsync(silent);
        Assert.Contains("hello", await waiting.AskAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BareOfOurs))]
    public async Task A_client_of_a_connection_handler_may_be_silent_for_as_long_as_it_likes(ServedBy by, bool isOverTls)
    {
        await using var app = await ServedApp.RunAsync(
            by,
            EchoAsync,
            static options => (options.WorkerConnections, options.EventLoops) = (1, 1),
            builder => builder.Services.AddSingleton(new TransportClock(_time)),
            listen => _ = isOverTls ? listen.UseHttps(Certificates.SelfSigned("localhost")) : listen);
        using var socket = await app.ConnectAsync();
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
        if (isOverTls)
        {
            await tls.AuthenticateAsClientAsync("localhost");
        }

        Stream client = isOverTls ? tls : new NetworkStream(socket);

        // The client is done with its handshake before the server is, and the server's half has a limit.
        await Wait.UntilAsync(() => app.Connections.SingleOrDefault() is { } one && TlsHandshake.IsOver(one) == (isOverTls ? true : null), "it is accepted");
        using var waiting = await app.ConnectAsync();
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 1, "another one waits");
        _time.Advance(TimeSpan.FromMinutes(1));
        _time.Advance(Tick);
        Assert.Equal(0, app.Logs.Count(22));

        await client.WriteAsync("here"u8.ToArray());
        var answer = new byte[4];
        await Wait.ForAsync(client.ReadExactlyAsync(answer).AsTask());
        Assert.Equal("here", Encoding.ASCII.GetString(answer));
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_process_that_stops_ends_one_that_never_began_its_handshake(ServedBy by)
    {
        await using var app = await CutClient.ServeAsync(by, Spoken.Http1OverTls, slots: 2, _time);
        using var silent = await SilentAsync(app);
        _time.Advance(TimeSpan.FromSeconds(2));
        var stopping = app.StopAsync();
        while (!stopping.IsCompleted)
        {
            _time.Advance(DrainPlan.Tick);
            await Task.WhenAny(stopping, Task.Delay(1));
        }

        await stopping;
        Assert.Equal("", await Wait.ForAsync(silent.ReceiveAllAsync()));
        Assert.Equal(0, app.Logs.Count(21));
    }

    /// <summary>A silent client, whose connection Kestrel's HTTP, or its TLS, is reading already.</summary>
    private static async Task<Socket> SilentAsync(ServedApp app)
    {
        var client = await app.ConnectAsync();
        var port = ((System.Net.IPEndPoint)client.LocalEndPoint!).Port;
        await Wait.UntilAsync(() => app.ConnectionFrom(port) is { } one && (one.Activity.ReachesHttp || TlsHandshake.IsOver(one) is false), "it is listened to");
        return client;
    }

    // Kestrel may begin to read only now, so several ticks may be needed.
    private async Task UntilEndAsync(Socket client)
    {
        var end = client.ReceiveAllAsync();
        for (var pass = 0; !end.IsCompleted && pass < 100; pass++)
        {
            _time.Advance(Tick);
            await Task.WhenAny(end, Task.Delay(1));
        }

        await Wait.ForAsync(end);
    }

    private static async Task EchoAsync(ConnectionContext connection)
    {
        while (await connection.Transport.Input.ReadAsync() is { IsCompleted: false } read)
        {
            foreach (var part in read.Buffer)
            {
                await connection.Transport.Output.WriteAsync(part);
            }

            connection.Transport.Input.AdvanceTo(read.Buffer.End);
        }
    }
}
