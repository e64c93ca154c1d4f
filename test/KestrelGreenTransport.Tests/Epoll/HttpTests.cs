using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>HTTP/1.1, answered the same over every transport.</summary>
public class HttpTests
{
    private const int Large = 64 * 1024 * 1024;

    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Pipelined_requests_are_answered_in_order(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/{number}", async (string number, HttpContext context) =>
        {
            // One in three continues elsewhere.
            if (number.Length % 3 == 0)
            {
                await Task.Yield();
            }

            context.Response.ContentLength = number.Length;
            await context.Response.WriteAsync(number);
        }));
        using var client = await app.ConnectAsync();
        var requests = new StringBuilder();
        for (var i = 0; i < 500; i++)
        {
            requests.Append($"GET /{new string((char)('a' + (i % 26)), 1 + (i % 7))} HTTP/1.1\r\nHost: test\r\n{(i == 499 ? "Connection: close\r\n" : "")}\r\n");
        }

        var receiving = client.ReceiveAllAsync();
        await client.SendAsync(requests.ToString());
        var bodies = (await receiving).Split("\r\n\r\n");
        Assert.Equal(501, bodies.Length);
        for (var i = 0; i < 500; i++)
        {
            Assert.StartsWith(new string((char)('a' + (i % 26)), 1 + (i % 7)) + (i == 499 ? "" : "HTTP/1.1 200 OK"), bodies[i + 1], StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_request_that_dribbles_in_byte_by_byte_is_answered(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapPost("/", static async (HttpRequest request) => await new StreamReader(request.Body).ReadToEndAsync()));
        using var client = await app.ConnectAsync();
        foreach (var one in "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
        {
            await client.SendAsync(one.ToString());
            await Task.Yield();
        }

        Assert.Contains("hello", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Expect_100_is_answered_before_the_body_comes(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapPost("/", static async (HttpRequest request) => await new StreamReader(request.Body).ReadToEndAsync()));
        using var client = await app.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        await client.ExpectAsync("HTTP/1.1 100 Continue\r\n\r\n");
        await client.SendAsync("hello");
        Assert.Contains("hello", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Chunks_come_and_go_and_trailers_come(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapPost("/", static async (HttpContext context) =>
        {
            var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await context.Response.WriteAsync(body);
            await context.Response.Body.FlushAsync();
            await context.Response.WriteAsync(context.Request.GetTrailer("Sum").ToString());
        }));
        using var client = await app.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n5\r\nhello\r\n");
        await client.SendAsync("6\r\n world\r\n0\r\nSum: 11\r\n\r\n");
        var answer = await client.ReceiveAllAsync();
        Assert.EndsWith("b\r\nhello world\r\n2\r\n11\r\n0\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_bad_request_with_much_behind_it_is_told_so(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"));
        using var client = await app.ConnectAsync();
        await client.SendAsync($"GET / HTTP/1.1\r\nbad header\r\n\r\n{new string('x', 20_000)}");
        Assert.StartsWith("HTTP/1.1 400 ", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_idle_connection_is_ended_by_the_keep_alive_limit(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(
            by, static routes => routes.MapGet("/", static () => "hello"), kestrel: static options => options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(1));
        using var client = await app.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        Assert.EndsWith("hello\r\n0\r\n\r\n", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_download_of_64_MB_reaches_a_slow_client_whole(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static async (HttpContext context) =>
        {
            context.Response.ContentLength = Large;
            var buffer = new byte[1024 * 1024];
            for (long position = 0; position < Large; position += buffer.Length)
            {
                Bytes.Fill(buffer, position);
                await context.Response.Body.WriteAsync(buffer);
            }
        }));
        using var client = app.CreateClient();
        using var response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        var chunk = new byte[100_000];
        long received = 0;
        for (var i = 0; await stream.ReadAsync(chunk) is > 0 and var length; i++)
        {
            Bytes.Check(chunk.AsSpan(0, length), received);
            received += length;
            if (i % 200 == 0)
            {
                await Task.Delay(1);
            }
        }

        Assert.Equal(Large, received);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_upload_of_64_MB_to_a_slow_app_arrives_whole(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(
            by,
            static routes => routes.MapPost("/", static async (HttpContext context) =>
            {
                var buffer = new byte[70_000];
                long received = 0;
                for (var i = 0; await context.Request.Body.ReadAsync(buffer) is > 0 and var length; i++)
                {
                    Bytes.Check(buffer.AsSpan(0, length), received);
                    received += length;
                    if (i % 200 == 0)
                    {
                        await Task.Delay(1);
                    }
                }

                return received;
            }),
            kestrel: static options => options.Limits.MaxRequestBodySize = null);
        var content = new byte[Large];
        Bytes.Fill(content, 0);
        using var client = app.CreateClient();
        using var response = await client.PostAsync("/", new ByteArrayContent(content));
        Assert.Equal($"{Large}", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task RequestAborted_fires_when_the_client_leaves_a_handler_that_waits(ServedBy by)
    {
        var aborted = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        await using var app = await ServedApp.StartAsync(by, routes => routes.MapGet("/", async (HttpContext context) =>
        {
            using var registration = context.RequestAborted.Register(() => aborted.TrySetResult());
            started.SetResult();
            await aborted.Task;
        }));
        using (var client = await app.ConnectAsync())
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            await Wait.ForAsync(started.Task);
        }

        await Wait.ForAsync(aborted.Task);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task RequestAborted_fires_though_the_end_of_the_stream_came_with_the_request(ServedBy by)
    {
        var aborted = new TaskCompletionSource();
        await using var app = await ServedApp.StartAsync(by, routes => routes.MapGet("/", async (HttpContext context) =>
        {
            await Task.Yield();
            using var registration = context.RequestAborted.Register(() => aborted.TrySetResult());
            await aborted.Task;
        }));
        using var client = await app.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        client.Shutdown(SocketShutdown.Send);
        await Wait.ForAsync(aborted.Task);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_handler_may_write_to_the_pipe_before_anything_else(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static async (HttpContext context) =>
        {
            context.Response.BodyWriter.Write("written"u8);
            await context.Response.BodyWriter.FlushAsync();
        }));
        using var client = app.CreateClient();
        Assert.Equal("written", await client.GetStringAsync("/"));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_body_cut_short_ends_its_handler_with_an_error(ServedBy by)
    {
        foreach (var cut in (Action<Socket>[])[static client => client.Shutdown(SocketShutdown.Send), static client => client.Reset()])
        {
            var failed = new TaskCompletionSource<Exception?>();
            var started = new TaskCompletionSource();
            await using var app = await ServedApp.StartAsync(by, routes => routes.MapPost("/", async context =>
            {
                await context.Request.Body.ReadExactlyAsync(new byte[5]);
                started.SetResult();
                failed.SetResult(await Record.ExceptionAsync(async () => await context.Request.Body.CopyToAsync(Stream.Null)));
            }));
            using var client = await app.ConnectAsync();
            await client.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhello");
            await Wait.ForAsync(started.Task);
            cut(client);
            Assert.IsAssignableFrom<IOException>(await Wait.ForAsync(failed.Task));
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_app_that_aborts_resets_its_client(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static (HttpContext context) => context.Abort()));
        using var client = await app.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        await client.ExpectResetAsync();
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Server_sent_events_leave_one_by_one(ServedBy by)
    {
        using var more = new SemaphoreSlim(0);
        await using var app = await ServedApp.StartAsync(by, routes => routes.MapGet("/", async (HttpContext context) =>
        {
            context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
            for (var i = 0; i < 5; i++)
            {
                await context.Response.WriteAsync($"data: {i}\n\n");
                await context.Response.Body.FlushAsync();
                await more.WaitAsync();
            }
        }));
        using var client = app.CreateClient();
        using var response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal($"data: {i}", await reader.ReadLineAsync());
            Assert.Equal("", await reader.ReadLineAsync());
            more.Release();
        }

        Assert.Null(await reader.ReadLineAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Two_thousand_connections_are_served_at_once(ServedBy by)
    {
        const int Connections = 2000;
        await using var app = await ServedApp.StartAsync(by, static routes => routes.MapGet("/", static () => "hello"), configure: static options => options.WorkerConnections = Connections);
        var clients = new Socket[Connections];
        await Parallel.ForAsync(0, Connections, async (i, _) => clients[i] = await app.ConnectAsync());
        for (var round = 0; round < 2; round++)
        {
            foreach (var client in clients)
            {
                await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            }

            foreach (var client in clients)
            {
                var answer = "";
                var buffer = new byte[1000];
                while (!answer.EndsWith("0\r\n\r\n", StringComparison.Ordinal))
                {
                    var length = await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory()).AsTask());
                    Assert.NotEqual(0, length);
                    answer += Encoding.ASCII.GetString(buffer, 0, length);
                }

                Assert.Contains("hello", answer, StringComparison.Ordinal);
            }
        }

        foreach (var client in clients)
        {
            client.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_Unix_socket_is_served(ServedBy by)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("app.sock");
        await using var app = await ServedApp.StartAsync(
            by,
            static routes => routes.MapPost("/", static async (HttpContext context) =>
            {
                Assert.Null(context.Connection.RemoteIpAddress);
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                await context.Response.Body.WriteAsync(body.ToArray());
            }),
            kestrel: options => options.ListenUnixSocket(path));
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancelled) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancelled);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        var content = new byte[3_000_000];
        Bytes.Fill(content, 0);
        for (var i = 0; i < 3; i++)
        {
            using var response = await client.PostAsync("http://test/", new ByteArrayContent(content));
            Assert.Equal(content, await response.Content.ReadAsByteArrayAsync());
        }
    }
}
