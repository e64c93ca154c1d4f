using System.Globalization;
using System.Text.Json;
using FunctionalTests.Harness;

namespace FunctionalTests.Serving;

/// <summary>What a user sees when nothing goes wrong.</summary>
public sealed class ServingTests(ServingTests.ThreeWorkers shared) : IClassFixture<ServingTests.ThreeWorkers>
{
    private static readonly string[] Binds = ["127.0.0.1:0", "[::1]:0", ":0", "unix:@green-functional-HOME"];

    [Fact]
    [Trait("Set", "smoke")]
    public async Task Workers_with_different_pids_answer_on_one_port()
    {
        var green = await shared.Take();
        var status = await green.Status();
        var target = await green.Target();

        // Holds one connection at each worker that has answered, so that the next one finds a worker with a free slot.
        var pids = status.Workers.Select(static worker => worker.Pid!.Value).Order().ToArray();
        var seen = new HashSet<int>();
        await Eventually.Get(
            "all three workers answered",
            async () =>
            {
                var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => target.Get("/slow?ms=20")));
                seen.UnionWith(answers.Select(static pid => int.Parse(pid, CultureInfo.InvariantCulture)));
                return seen.Order().ToArray();
            },
            answered => answered.Length >= 3);
        Assert.Equal(pids, seen.Order());
        await shared.GiveBack();
    }

    [Theory]
    [InlineData("127.0.0.1:0", "tcp://127.0.0.1:")]
    [InlineData("[::1]:0", "tcp://[::1]:")]
    [InlineData(":0", "tcp://")]
    [InlineData("unix:@green-functional-HOME", "unix:@green-functional-")]
    public async Task Every_kind_of_address_serves(string bind, string shown)
    {
        var green = await shared.Take();
        var status = await green.Status();

        Assert.Equal(Binds.Length, status.Listeners.Count);
        var listener = status.Listeners[Array.IndexOf(Binds, bind)];
        Assert.StartsWith(shown, listener.Endpoint, StringComparison.Ordinal);
        Assert.Contains(await Target.Parse(listener.Endpoint).Pid(), status.Workers.Select(static worker => worker.Pid!.Value));
        await shared.GiveBack();
    }

    [Fact]
    public async Task Several_addresses_serve_at_once_and_the_socket_file_goes_with_the_supervisor()
    {
        using var folder = new TemporaryFolder();
        var socket = folder.File("app.sock");
        await using var green = GreenRun.Start(["-w", "2", "-b", "127.0.0.1:0", "-b", $"unix:{socket}"]);
        var status = await green.Serving(2);
        Assert.Equal(2, status.Listeners.Count);

        foreach (var listener in status.Listeners)
        {
            Assert.Contains(await Target.Parse(listener.Endpoint).Pid(), status.Workers.Select(static worker => worker.Pid!.Value));
        }

        await green.StopCleanly();
        Assert.False(File.Exists(socket));
    }

    [Fact]
    public async Task Without_a_bind_the_urls_of_the_environment_are_used()
    {
        await using var green = GreenRun.StartApp(
            Repo.TestWorker, ["-w", "1"], ("TESTWORKER_SUPERVISE", "1"), ("ASPNETCORE_URLS", "http://127.0.0.1:0"));
        var status = await green.Serving(1);
        Assert.StartsWith("tcp://127.0.0.1:", status.Listeners[0].Endpoint, StringComparison.Ordinal);
        Assert.Equal(status.Workers[0].Pid, await (await green.Target()).Pid());
        await green.StopCleanly();
    }

    [Theory]
    [Trait("Set", "smoke")]
    [InlineData("1")]
    [InlineData("library")]
    public async Task An_app_becomes_its_own_supervisor_also_by_a_library_and_keeps_the_arguments_that_are_its_own(string caller)
    {
        await using var green = GreenRun.StartApp(
            Repo.TestWorker, ["-w", "2", "--colour", "blue", "-b", "127.0.0.1:0", "--", "--workers", "7"], ("TESTWORKER_SUPERVISE", caller));
        var status = await green.Serving(2);
        Assert.DoesNotContain(green.Process.Pid, status.Workers.Select(static worker => worker.Pid!.Value));

        var arguments = JsonSerializer.Deserialize<string[]>(await (await green.Target()).Get("/args"));
        Assert.Equal(["--colour", "blue", "--workers", "7"], arguments!);
        await green.StopCleanly();
    }

    [Fact]
    public async Task The_tool_passes_what_follows_the_app_on_to_it()
    {
        var green = await shared.Take();
        var arguments = JsonSerializer.Deserialize<string[]>(await (await green.Target()).Get("/args"));
        Assert.Equal(["--colour", "blue"], arguments!);
        await shared.GiveBack();
    }

    [Fact]
    public async Task A_worker_does_not_leave_its_contract_in_its_environment()
    {
        var green = await shared.Take();
        var environment = JsonSerializer.Deserialize<Dictionary<string, string>>(await (await green.Target()).Get("/env"))!;
        string[] contract =
        [
            "GREEN_WORKER", "GREEN_GENERATION", "GREEN_LISTEN", "GREEN_CONTROL_FD", "GREEN_HEARTBEAT_FILE",
            "GREEN_HEARTBEAT_INTERVAL", "GREEN_BOARD_FILE", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
        ];
        Assert.Empty(environment.Keys.Intersect(contract));
        await shared.GiveBack();
    }

    [Fact]
    public async Task An_executable_runs_like_a_dll()
    {
        await using var green = GreenRun.Start(["-w", "1"], app: Path.ChangeExtension(Repo.TestWorker, null));
        var status = await green.Serving(1);
        Assert.Equal(status.Workers[0].Pid, await (await green.Target()).Pid());
        await green.StopCleanly();
    }

    /// <summary>Three workers on every kind of address.</summary>
    public sealed class ThreeWorkers() : SharedRun(workers: 3)
    {
        private protected override GreenRun Start() => GreenRun.Start(
            ["-w", "3", .. Binds.SelectMany(static bind => new[] { "-b", bind.Replace("HOME", Guid.NewGuid().ToString("N"), StringComparison.Ordinal) })],
            appArguments: ["--colour", "blue"]);
    }
}
