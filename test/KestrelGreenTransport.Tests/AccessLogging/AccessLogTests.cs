using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Tests.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Tests.AccessLogging;

/// <summary>One request, one line, with what was really sent to the client.</summary>
public sealed class AccessLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string LogFile => _folder.File("access.log");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Bytes_are_counted_whichever_way_the_app_writes_them()
    {
        var file = _folder.File("data");
        await File.WriteAllTextAsync(file, new string('x', 1000));
        await using (var app = await Start(app =>
        {
            app.Map("/stream", static async context => await context.Response.Body.WriteAsync("12345"u8.ToArray()));
            app.Map("/begin", static async context => await Task.Factory.FromAsync(context.Response.Body.BeginWrite, context.Response.Body.EndWrite, new byte[6], 0, 6, null));
            app.Map("/copied", static async context => await new MemoryStream(new byte[300_000]).CopyToAsync(context.Response.Body));
            app.Map("/writer", static async context =>
            {
                Encoding.ASCII.GetBytes("12345678", context.Response.BodyWriter);
                await context.Response.BodyWriter.FlushAsync();
                await context.Response.BodyWriter.WriteAsync("9"u8.ToArray());
            });
            app.Map("/file", context => context.Response.SendFileAsync(file, 100, 800));
            app.Map("/whole", context => context.Response.SendFileAsync(file));
            app.Map("/json", static () => new[] { 1, 2 });
            app.Map("/nothing", static () => Results.NoContent());
        }))
        {
            using var client = app.CreateClient();
            foreach (var path in (string[])["/stream", "/begin", "/copied", "/writer", "/file", "/whole", "/json", "/nothing", "/not-there"])
            {
                (await client.GetAsync(path)).Dispose();
            }

            (await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/stream"))).Dispose();
        }

        Assert.Equal(
            [
                "GET /stream 200 5", "GET /begin 200 6", "GET /copied 200 300000", "GET /writer 200 9", "GET /file 200 800",
                "GET /whole 200 1000", "GET /json 200 5", "GET /nothing 204 0", "GET /not-there 404 0", "HEAD /stream 200 0",
            ],
            Entries().Select(static entry => $"{entry.GetProperty("method")} {entry.GetProperty("path")} {entry.GetProperty("status")} {entry.GetProperty("bytes")}"));
    }

    [Fact]
    public async Task The_status_is_the_clients_also_where_the_app_throws_or_the_client_goes()
    {
        var arrived = new TaskCompletionSource();
        await using (var app = await Start(app =>
        {
            app.Map("/throws", IResult () => throw new InvalidOperationException("asked to"));
            app.Map("/later", async () =>
            {
                await Task.Yield();
                throw new BadHttpRequestException("asked to", StatusCodes.Status413PayloadTooLarge);
            });
            app.Map("/half", async context =>
            {
                context.Response.StatusCode = StatusCodes.Status206PartialContent;
                await context.Response.WriteAsync("half");
                await context.Response.Body.FlushAsync();
                throw new InvalidOperationException("asked to");
            });
            app.Map("/waits", async context =>
            {
                arrived.SetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            });
        }))
        {
            using var client = app.CreateClient();
            Assert.Equal(HttpStatusCode.InternalServerError, (await client.GetAsync("/throws")).StatusCode);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await client.GetAsync("/later")).StatusCode);
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync("/half"));
            using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            {
                await socket.ConnectAsync(IPAddress.Loopback, app.Address.Port);
                await socket.SendAsync("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
                await Wait.ForAsync(arrived.Task);
            }

            await Wait.UntilAsync(() => File.ReadAllText(LogFile).Contains("/waits", StringComparison.Ordinal), "the client's leave is logged");
        }

        Assert.Equal(
            ["/throws 500 0", "/later 413 0", "/half 206 4", "/waits 499 0"],
            Entries().Select(static entry => $"{entry.GetProperty("path")} {entry.GetProperty("status")} {entry.GetProperty("bytes")}"));
    }

    [Fact]
    public async Task The_address_is_the_one_that_the_app_believes_and_the_target_as_the_client_wrote_it()
    {
        await using (var app = await Start(static app =>
        {
            app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = Microsoft.AspNetCore.HttpOverrides.ForwardedHeaders.XForwardedFor });
            app.UsePathBase("/base");
            app.Map("/{**rest}", static () => "");
        }))
        {
            using var client = app.CreateClient();
            client.DefaultRequestHeaders.Add("X-Forwarded-For", "198.51.100.9");
            client.DefaultRequestHeaders.Add("User-Agent", "test");
            (await client.GetAsync("/base/a%20b?c=%22")).Dispose();
        }

        var entry = Assert.Single(Entries());
        Assert.Equal(("198.51.100.9", "/base/a%20b", "?c=%22", "test"), (Text("remote"), Text("path"), Text("query"), Text("userAgent")));
        Assert.NotEqual("", Text("requestId"));
        Assert.True(entry.GetProperty("durationMs").GetDouble() > 0);

        string? Text(string name) => entry.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Without_the_setting_nothing_stands_between_the_app_and_its_server()
    {
        Type? seen = null;
        await using var app = await TestApp.StartAsync(map: app => app.Map("/", context =>
        {
            seen = context.Features.Get<IHttpResponseBodyFeature>()?.GetType();
            return Task.CompletedTask;
        }));
        await app.CreateClient().GetAsync("/");
        Assert.NotNull(seen);
        Assert.NotEqual(typeof(CountedBody), seen);
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_stops_the_host_and_says_what_to_do()
    {
        using var supervisor = new TestLifeline();
        var app = TestApp.Create(build: builder => builder.Services.AddSingleton(supervisor.Open()), environment: new() { ["GREEN_ACCESS_LOG"] = _folder.File("no/access.log") });
        var error = await Assert.ThrowsAsync<IOException>(() => app.App.StartAsync());
        Assert.Equal($"2 {error.Message}", Assert.Single(supervisor.Failures()));
        Assert.StartsWith($"AccessLog ('{_folder.File("no/access.log")}', from GREEN_ACCESS_LOG) cannot be opened: ", error.Message);
        await app.App.DisposeAsync();
    }

    [Fact]
    public async Task After_a_rotation_lines_go_to_the_new_file_and_none_is_lost()
    {
        var logger = new LogLines();
        using (var writer = new AccessLogWriter(AccessLogTarget.OfFile(LogFile), logger.CreateLogger(Log.Category)))
        {
            writer.Append("1\n"u8);
            await Wait.UntilAsync(() => File.ReadAllText(LogFile) == "1\n", "the first line is written");
            File.Move(LogFile, LogFile + ".1");
            writer.Append("2\n"u8);
            await Wait.UntilAsync(() => File.ReadAllText(LogFile + ".1") == "1\n2\n", "still writing to the old file");
            writer.Reopen();
            await Wait.UntilAsync(() => File.Exists(LogFile), "the new file is there");
            writer.Append("3\n"u8);
        }

        Assert.Equal(("1\n2\n", "3\n"), (await File.ReadAllTextAsync(LogFile + ".1"), await File.ReadAllTextAsync(LogFile)));
        Assert.Empty(logger.All);
    }

    [Fact]
    public async Task Where_the_new_file_cannot_be_opened_the_old_one_is_written_on()
    {
        var logger = new LogLines();
        var folder = Directory.CreateDirectory(_folder.File("logs"));
        var path = Path.Combine(folder.FullName, "access.log");
        using (var writer = new AccessLogWriter(AccessLogTarget.OfFile(path), logger.CreateLogger(Log.Category)))
        {
            folder.MoveTo(_folder.File("moved"));
            writer.Reopen();
            await Wait.UntilAsync(() => logger.Count(43) == 1, "the failure is reported");
            writer.Append("still here\n"u8);
        }

        Assert.Equal("still here\n", await File.ReadAllTextAsync(_folder.File("moved/access.log")));
    }

    [Fact]
    public async Task Writers_that_share_a_file_write_whole_lines_and_none_over_anothers()
    {
        const int Lines = 5000;
        await Task.WhenAll(Enumerable.Range(0, 3).Select(number => Task.Run(() =>
        {
            using var writer = new AccessLogWriter(AccessLogTarget.OfFile(LogFile), NullLogger.Instance);
            for (var i = 0; i < Lines; i++)
            {
                writer.Append(Encoding.ASCII.GetBytes($"{number} {i} {new string((char)('a' + number), 150)}\n"));
            }
        })));

        var lines = await File.ReadAllLinesAsync(LogFile);
        Assert.Equal(3 * Lines, lines.Length);
        Assert.Equal(3 * Lines, lines.Distinct().Count());
        Assert.All(lines, static line => Assert.Matches("^[0-2] [0-9]+ (a{150}|b{150}|c{150})$", line));
    }

    [Fact]
    public async Task A_reader_that_does_not_read_holds_nobody_up_and_what_is_lost_is_counted()
    {
        var pipe = _folder.File("pipe");
        using (var made = System.Diagnostics.Process.Start("mkfifo", [pipe]))
        {
            await made.WaitForExitAsync();
        }

        var logger = new LogLines();
        using var reader = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite);
        var line = new byte[AccessLogWriter.Capacity / 8];
        line[^1] = (byte)'\n';
        using (var writer = new AccessLogWriter(AccessLogTarget.OfFile(pipe), logger.CreateLogger(Log.Category)))
        {
            // The first batch fills the pipe, the second the memory; the rest does not fit.
            for (var i = 0; i < 50; i++)
            {
                writer.Append(line);
            }

            var read = Task.Run(() =>
            {
                var buffer = new byte[1 << 20];
                while (!buffer.AsSpan(0, reader.Read(buffer)).EndsWith("last\n"u8))
                {
                }
            });
            await Wait.UntilAsync(() => logger.Count(42) == 1, "what had no place is counted");

            // This line may not fit either, until more is read.
            await Wait.UntilAsync(
                () =>
                {
                    writer.Append("last\n"u8);
                    return read.IsCompleted;
                },
                "the last line is read");
        }

        Assert.Contains(logger.All, static entry => entry is { Id: 42, Level: LogLevel.Warning });
    }

    [Fact]
    public void Root_follows_a_link_only_where_nobody_else_could_have_put_it()
    {
        var precious = _folder.File("precious");
        File.WriteAllText(precious, "precious\n");
        var open = Directory.CreateDirectory(_folder.File("open")).FullName;
        File.SetUnixFileMode(open, (UnixFileMode)0b111_111_111);
        var path = Path.Combine(open, "access.log");
        using (var log = AccessLogTarget.OfFile(path))
        {
            log.Write("one\n"u8);
            File.Move(path, path + ".1");
            File.CreateSymbolicLink(path, precious);
            if (Environment.IsPrivilegedProcess)
            {
                Assert.Contains($"other users may write to {open}", Assert.Throws<IOException>(log.Reopen).Message, StringComparison.Ordinal);
                log.Write("two\n"u8);
            }
        }

        Assert.Equal("precious\n", File.ReadAllText(precious));
        Assert.Equal(Environment.IsPrivilegedProcess ? "one\ntwo\n" : "one\n", File.ReadAllText(path + ".1"));

        // As container images link their logs to standard output.
        File.CreateSymbolicLink(LogFile, precious);
        using var linked = AccessLogTarget.OfFile(LogFile);
        linked.Write("three\n"u8);
        Assert.Equal("precious\nthree\n", File.ReadAllText(precious));
    }

    private Task<TestApp> Start(Action<WebApplication> map) => TestApp.StartAsync(
        options =>
        {
            options.AccessLog = LogFile;
            options.AccessLogFormat = GreenAccessLogFormat.Json;
        },
        map: map);

    private List<JsonElement> Entries() => [.. File.ReadAllLines(LogFile).Select(static line => JsonDocument.Parse(line).RootElement)];
}
