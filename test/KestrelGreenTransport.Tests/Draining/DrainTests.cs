using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>What clients see when a process stops.</summary>
public class DrainTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    private const string EndOfBody = "\r\n0\r\n\r\n";

    /// <summary>Without Kestrel's own transport, which has no drain.</summary>
    public static TheoryData<ServedBy> ByOurs => [ServedBy.Sockets, ServedBy.EpollAdaptive];

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_request_in_flight_completes_and_its_response_tells_the_client_to_go(ServedBy by)
    {
        var begun = new TaskCompletionSource();
        var mayAnswer = new TaskCompletionSource();
        await using var app = await ServedApp.StartAsync(by, routes => routes.MapGet("/", async () =>
        {
            begun.SetResult();
            await mayAnswer.Task;
            return "late";
        }));
        using var client = await app.ConnectAsync();
        await client.SendAsync(Get);
        await Wait.ForAsync(begun.Task);

        var stopping = app.StopAsync();
        await Wait.UntilAsync(async () => await RefusesAsync(app), "new clients are refused");
        mayAnswer.SetResult();
        AssertSaysClose(await Wait.ForAsync(client.ReceiveAllAsync()), "late");
        await Wait.ForAsync(stopping);
        Assert.Equal(0, app.Logs.Count(21));
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_connection_that_speaks_again_in_the_linger_is_answered_and_told_to_go(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"));
        using var client = await app.ConnectAsync();
        await client.SendAsync(Get);
        Assert.DoesNotContain("Connection: close", await client.ExpectAnswerAsync(), StringComparison.Ordinal);

        var stopping = app.StopAsync();
        await client.SendAsync(Get);
        AssertSaysClose(await Wait.ForAsync(client.ReceiveAllAsync()), "hello");
        await Wait.ForAsync(stopping);
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_client_that_reads_slowly_gets_all_of_a_response_that_the_app_is_done_with(ServedBy by)
    {
        // More than the kernel buffers for a client that does not read; the app does not wait for the client.
        var body = new byte[32 * 1024 * 1024];
        await using var app = await ServedApp.StartAsync(
            by, routes => routes.MapGet("/", () => Results.Bytes(body)), configure: static options => options.MaxWriteBufferSize = null);
        using var client = await app.ConnectAsync();
        await client.SendAsync(Get);
        var backend = app.Services.GetRequiredService<Lazy<ITransportBackend>>().Value;
        await Wait.UntilAsync(
            () => backend.Connections().SingleOrDefault() is { Activity: { HasServed: true, IsBusy: false } }, "the app is done with it");

        // An idle connection would be closed within this time.
        var stopping = app.StopAsync();
        await Task.WhenAny(stopping, Task.Delay(2 * DrainPlan.Linger));
        var received = await Wait.ForAsync(client.ReceiveAllAsync());
        Assert.Equal(body.Length, received.Length - (received.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4));
        await Wait.ForAsync(stopping);
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_connection_that_was_accepted_and_has_not_asked_yet_is_answered(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"));
        using var client = await app.ConnectAsync();
        await Wait.UntilAsync(() => app.State.Pools[0].Held == 1, "the connection is accepted");

        var stopping = app.StopAsync();
        await client.SendAsync(Get);
        AssertSaysClose(await Wait.ForAsync(client.ReceiveAllAsync()), "hello");
        await Wait.ForAsync(stopping);
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Who_waits_at_a_socket_that_no_sibling_has_is_still_taken(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"), configure: static options => options.WorkerConnections = 1);
        using var first = await app.ConnectAsync();
        await first.SendAsync(Get);
        await first.ExpectAnswerAsync();
        using var second = await app.ConnectAsync();
        await second.SendAsync(Get);
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 1, "the second one waits for the slot");

        var stopping = app.StopAsync();
        first.Dispose();
        AssertSaysClose(await Wait.ForAsync(second.ReceiveAllAsync()), "hello");
        await Wait.ForAsync(stopping);
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_socket_that_siblings_have_is_left_to_them_at_once(ServedBy by)
    {
        using var sibling = Listeners.Tcp();
        var begun = new TaskCompletionSource();
        var mayStop = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(
            options => options.Backend = by == ServedBy.Sockets ? GreenTransportBackend.Sockets : GreenTransportBackend.Epoll,
            map: routes => routes.MapGet("/", async () =>
            {
                begun.SetResult();
                await mayStop.Task;
                return "late";
            }),
            inherited: Listeners.Inherit(sibling));
        var pool = app.Pool;
        var late = TestApp.GetAsync(sibling.LocalEndPoint!);
        await Wait.ForAsync(begun.Task);

        var stopping = app.App.StopAsync();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(sibling.LocalEndPoint!);
        (await Wait.ForAsync(sibling.AcceptAsync())).Dispose();
        mayStop.SetResult();
        Assert.Equal("late", await Wait.ForAsync(late));
        await Wait.ForAsync(stopping);
        Assert.Equal(1, pool.Accepted);
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Pipelined_requests_are_all_answered_and_the_last_answer_tells_the_client_to_go(ServedBy by)
    {
        var begun = new TaskCompletionSource();
        var mayAnswer = new TaskCompletionSource();
        await using var app = await ServedApp.StartAsync(by, routes => routes.MapGet("/", async () =>
        {
            begun.TrySetResult();
            await mayAnswer.Task;
            return "hello";
        }));
        using var client = await app.ConnectAsync();
        await client.SendAsync(Get + Get + Get);
        await Wait.ForAsync(begun.Task);

        var stopping = app.StopAsync();
        mayAnswer.SetResult();
        var all = await Wait.ForAsync(client.ReceiveAllAsync());
        Assert.Equal(4, all.Split("HTTP/1.1 200 OK").Length);
        Assert.Equal(2, all.Split("Connection: close").Length);
        await Wait.ForAsync(stopping);
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Half_a_request_is_waited_for_where_idle_connections_are_not(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapPost("/", static async (HttpRequest request) => await new StreamReader(request.Body).ReadToEndAsync()));
        using var slow = await app.ConnectAsync();
        await slow.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nConte");
        using var uploading = await app.ConnectAsync();
        await uploading.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhe");
        using var idle = await app.ConnectAsync();
        await idle.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
        await idle.ExpectAnswerAsync();

        // When this connection is closed, the other two have been quiet for just as long.
        var stopping = app.StopAsync();
        Assert.Empty(await Wait.ForAsync(idle.ReceiveAllAsync()));
        await slow.SendAsync("nt-Length: 5\r\n\r\nhello");
        await uploading.SendAsync("llo");
        AssertSaysClose(await Wait.ForAsync(slow.ReceiveAllAsync()), "hello");
        AssertSaysClose(await Wait.ForAsync(uploading.ReceiveAllAsync()), "hello");
        await Wait.ForAsync(stopping);
        Assert.Equal(0, app.Logs.Count(21));
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Over_tls_an_idle_connection_is_answered_in_the_linger_and_then_ended(ServedBy by)
    {
        using var certificate = Certificates.SelfSigned("localhost");
        await using var app = await ServedApp.StartAsync(
            by, static routes => routes.MapGet("/", static () => "hello"), listen => listen.UseHttps(certificate));
        using var speaking = await OverTls(app, certificate);
        using var silent = await OverTls(app, certificate);

        var stopping = app.StopAsync();
        await speaking.WriteAsync(Encoding.ASCII.GetBytes(Get));
        AssertSaysClose(await Wait.ForAsync(new StreamReader(speaking).ReadToEndAsync()), "hello");
        Assert.Empty(await Wait.ForAsync(new StreamReader(silent).ReadToEndAsync()));
        await Wait.ForAsync(stopping);
        Assert.Equal(0, app.Logs.Count(21));
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Http2_streams_complete_and_the_client_opens_no_more_on_that_connection(ServedBy by)
    {
        var begun = new TaskCompletionSource();
        var mayAnswer = new TaskCompletionSource();
        await using var app = await ServedApp.StartAsync(
            by,
            routes => routes.MapGet("/{what}", async (string what) =>
            {
                if (what == "late")
                {
                    begun.TrySetResult();
                    await mayAnswer.Task;
                }

                return what;
            }),
            static listen => listen.Protocols = HttpProtocols.Http2);
        using var client = app.CreateClient();
        client.DefaultRequestVersion = HttpVersion.Version20;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var idle = app.CreateClient();
        idle.DefaultRequestVersion = HttpVersion.Version20;
        idle.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        Assert.Equal("idle", await idle.GetStringAsync(new Uri("/idle", UriKind.Relative)));
        var late = client.GetStringAsync(new Uri("/late", UriKind.Relative));
        await Wait.ForAsync(begun.Task);

        var stopping = app.StopAsync();

        // The client has received GOAWAY once it tries another connection, which is refused. Until then it gets answers.
        await Assert.ThrowsAsync<HttpRequestException>(() => Wait.ForAsync(Task.Run(async () =>
        {
            while (true)
            {
                await client.GetStringAsync(new Uri("/next", UriKind.Relative));
            }
        })));
        mayAnswer.SetResult();
        Assert.Equal("late", await Wait.ForAsync(late));
        await Wait.ForAsync(stopping);
        Assert.Equal(0, app.Logs.Count(21));
    }

    private static async Task<bool> RefusesAsync(ServedApp app)
    {
        try
        {
            (await app.ConnectAsync()).Dispose();
            return false;
        }
        catch (SocketException exception)
        {
            // Or reset, if the client came just before.
            return exception.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    private static async Task<SslStream> OverTls(ServedApp app, X509Certificate2 certificate)
    {
        var stream = new SslStream(new NetworkStream(await app.ConnectAsync(), ownsSocket: true), false, (_, remote, _, _) => certificate.Equals(remote));
        await stream.AuthenticateAsClientAsync("localhost");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Get));
        var buffer = new byte[4096];
        var answer = "";
        while (!answer.EndsWith(EndOfBody, StringComparison.Ordinal))
        {
            answer += Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer));
        }

        return stream;
    }

    private static void AssertSaysClose(string answer, string body)
    {
        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close", answer, StringComparison.Ordinal);
        Assert.Contains(body, answer, StringComparison.Ordinal);
    }
}
