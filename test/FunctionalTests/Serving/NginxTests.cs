using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Serving;

/// <summary>The sample's script, with a real nginx: what the clients of a deployment see.</summary>
public sealed class NginxTests
{
    [Theory]
    [InlineData("")]
    [InlineData("--tcp")]
    public async Task The_app_sees_the_client_and_not_nginx_and_websockets_pass(string variant)
    {
        await using var sample = await Sample.Start(variant);
        var answer = await sample.Target.Get("/");
        Assert.StartsWith("http://test for 127.0.0.1, from process ", answer, StringComparison.Ordinal);

        // Headers in which a client makes claims about itself are not trusted.
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.9");
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        var claimed = await client.GetStringAsync(new Uri($"http://127.0.0.1:{sample.Target.Port}/"));
        Assert.StartsWith($"http://127.0.0.1:{sample.Target.Port} for 127.0.0.1,", claimed, StringComparison.Ordinal);

        using var socket = new ClientWebSocket();
        using var limit = new CancellationTokenSource(Eventually.Limit);
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{sample.Target.Port}/echo"), limit.Token);
        var buffer = new byte[100];
        foreach (var text in new[] { "one", "two" })
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
            var received = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.Equal(text, Encoding.UTF8.GetString(buffer, 0, received.Count));
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        await sample.StopCleanly();
    }

    [Fact]
    [Trait("Set", "smoke")]
    public async Task Clients_of_nginx_notice_nothing_when_a_worker_is_killed()
    {
        await using var sample = await Sample.Start("");
        var victim = sample.WorkerPids()[0];

        // Clients rest in between, so nginx holds idle connections to the victim, and uses one of them for the next request.
        await using var load = LoadClient.Start(sample.Target, clients: 32, path: "/", keepAlive: true, pause: TimeSpan.FromMilliseconds(20));
        await load.More(1000);
        Kernel.Signal(victim, Kernel.SIGKILL);
        await Eventually.True("a replacement serves", () => sample.WorkerPids() is { Length: 3 }, sample.Process.Describe);
        await load.More(1000);
        await load.Stop();

        // If a worker dies while handling a request, nginx sends it to another one: a GET is safe to repeat.
        load.AssertNothingLost();
        await sample.StopCleanly();
    }

    [Fact]
    [Trait("Set", "smoke")]
    public async Task Posts_through_an_nginx_that_asks_each_once_survive_a_reload()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        var before = await green.Serving(2);
        await using var nginx = await StrictNginx.Before(await green.Target());
        await using var busy = LoadClient.Post(nginx.Target, clients: 6);
        await using var resting = LoadClient.Post(nginx.Target, clients: 6, pause: TimeSpan.FromSeconds(1.2));
        await busy.More(200);
        await using var reload = await green.Command("reload");
        Assert.True(await reload.Exit() == 0, reload.Describe());
        await busy.More(200);
        foreach (var load in new[] { busy, resting })
        {
            await load.Stop();
            load.AssertNothingLost();
        }

        Assert.Empty(before.Workers.Select(static worker => worker.Pid).Intersect((await green.Status()).Workers.Select(static worker => worker.Pid)));
        await green.StopCleanly();
    }

    [Fact]
    public async Task What_a_killed_script_leaves_is_found_though_nginx_hides_its_environment()
    {
        await using var sample = await Sample.Start("");
        Kernel.Signal(sample.Process.Pid, Kernel.SIGKILL);
        await Eventually.True("the script is gone", () => !Kernel.IsAlive(sample.Process.Pid), sample.Process.Describe);
        Assert.Contains(sample.Process.Living, static pid => Kernel.CommandLine(pid).StartsWith("nginx: master", StringComparison.Ordinal));
        await sample.Process.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => sample.Target.Get("/"));
    }

    /// <summary>run.sh with its own ports.</summary>
    private sealed class Sample : IAsyncDisposable
    {
        private readonly TemporaryFolder _home;

        private Sample(TemporaryFolder home, ChildProgram process, int port) => (_home, Process, Target) = (home, process, Target.Loopback(port));

        public ChildProgram Process { get; }

        public Target Target { get; }

        public static async Task<Sample> Start(string variant)
        {
            var home = new TemporaryFolder();
            using var nginx = new FreePort();
            using var app = new FreePort();

            // Over TCP it builds what it starts, as for a new user, but as strictly as the tests were built, so that nothing is compiled again.
            KeyValuePair<string, string?>[] programs = variant.Length > 0
                ? [new("CONFIGURATION", Repo.Configuration), new("Strict", "true")]
                : [new("GREEN", Repo.Green), new("APP_DLL", Repo.NginxProxy)];
            var process = ChildProgram.Start(
                "bash",
                [Repo.Path("samples/NginxProxy/run.sh"), .. variant.Length > 0 ? new[] { variant } : []],
                [
                    new("RUNTIME_DIRECTORY", Directory.CreateDirectory(home.File("run")).FullName),
                    new("TMPDIR", home.Path),
                    .. programs,
                    new("NGINX_PORT", $"{nginx.Release()}"),
                    new("APP_PORT", $"{app.Release()}"),
                ],
                home.Path);
            var sample = new Sample(home, process, nginx.Number);
            await process.Lines("worker [12] .* is ready", 2, limit: TimeSpan.FromMinutes(5));
            await Eventually.Get("nginx answers", () => sample.Target.Get("/"), static _ => true, process.Describe);
            return sample;
        }

        /// <summary>Every worker that has become ready so far, including dead ones.</summary>
        public int[] WorkerPids() =>
            [.. Process.Output.Split('\n')
                .Select(static line => Regex.Match(line, @"worker \d+ \(pid (\d+)\) is ready"))
                .Where(static match => match.Success)
                .Select(static match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];

        /// <summary>Sends TERM to the script, which acts as on Ctrl+C: both programs exit, and the temporary folder is deleted.</summary>
        public async Task StopCleanly()
        {
            Kernel.Signal(Process.Pid, Kernel.SIGTERM);
            Assert.Equal(143, await Process.Exit());
            Assert.Empty(Process.Living.Select(Kernel.CommandLine));
            Assert.Empty(Directory.EnumerateFileSystemEntries(_home.Path, "nginx-proxy*"));
            Assert.Empty(Directory.EnumerateFileSystemEntries(_home.File("run")));
        }

        public async ValueTask DisposeAsync()
        {
            await Process.DisposeAsync();
            _home.Dispose();
        }
    }
}
