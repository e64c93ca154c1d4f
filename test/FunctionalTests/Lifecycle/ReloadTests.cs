using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Lifecycle;

/// <summary>A new version comes without anybody noticing, or does not come.</summary>
public sealed class ReloadTests(ReloadTests.TwoWorkers shared) : IClassFixture<ReloadTests.TwoWorkers>
{
    [Theory]
    [Trait("Set", "smoke")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reload_under_load_replaces_every_worker_by_the_new_release_and_loses_no_request(bool keepAlive)
    {
        var green = await shared.Take();
        var before = await green.Status();
        var target = await green.Target();
        await using var load = LoadClient.Start(target, clients: 4, keepAlive: keepAlive);
        await load.More(200);
        var release = shared.Deploy();
        Assert.NotEqual(release, await target.Get("/release"));
        await using var reload = await green.Command("reload");
        await load.More(200);
        await load.Stop();

        Assert.True(await reload.Exit() == 0, reload.Describe());
        Assert.True(load is { Broken: 0, Refused: 0 }, load.ToString());
        var after = await green.Serving(2);
        Assert.Equal($"{green.Name} is serving generation {shared.Generation} with 2 workers.", Assert.Single(reload.OutputLines));
        Assert.Equal(shared.Generation, after.Generation);
        Assert.Empty(Pids(before).Intersect(Pids(after)));
        Assert.All(after.Workers, static worker => Assert.Equal("reload", worker.LastExit!.Reason));
        Assert.Equal(release, await target.Get("/release"));
        await shared.GiveBack();
    }

    [Theory]
    [Trait("Set", "smoke")]
    [InlineData("throw:wrong connection string", "wrong connection string")]
    [InlineData("exit:3", "leaving with 3")]
    [InlineData("hang", "was not ready within 3s (BootTimeout)")]
    [InlineData("missing", "does not exist")]
    public async Task A_broken_release_costs_nothing(string fault, string said)
    {
        var green = await shared.Take();
        var before = await green.Status();
        var target = await green.Target();
        var release = await target.Get("/release");
        await using var load = LoadClient.Start(target, clients: 2);
        await load.More(50);

        // Only the broken release gets the short time: the running workers keep theirs.
        shared.Deploy(fault, settings: fault == "hang" ? """{ "BootTimeout": "3s" }""" : "{}");

        await using var reload = await green.Command("reload");
        await load.More(50);
        await load.Stop();
        Assert.True(await reload.Exit() == 7, reload.Describe());
        Assert.Contains(said, reload.Output, StringComparison.Ordinal);
        Assert.Contains($"Generation {before.Generation} keeps serving.", reload.Output, StringComparison.Ordinal);
        Assert.True(load is { Broken: 0, Refused: 0 }, load.ToString());
        var after = await green.Serving(2);
        Assert.Equal(Pids(before), Pids(after));

        // A worker that dies now comes back as the release that it was.
        Kernel.Signal(after.Workers[0].Pid!.Value, Kernel.SIGKILL);
        await green.Replaced(after.Workers[0], after);
        Assert.Equal(release, await target.Get("/release"));
        await shared.GiveBack();
    }

    [Fact]
    public async Task Settings_are_read_again_and_a_scale_change_survives()
    {
        using var releases = new Releases();
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("green.json"), """{ "Workers": 1, "Timeout": "20s" }""");
        await using var green = GreenRun.Start([], releases.App, folder: folder.Path);
        await green.Serving(1);
        Assert.Equal(0, await (await green.Command("scale", "2")).Exit());

        await File.WriteAllTextAsync(folder.File("green.json"), """{ "Workers": 1, "Timeout": "10s", "PidFile": "late.pid" }""");
        Kernel.Signal(green.Process.Pid, Kernel.SIGHUP);
        await green.StatusWhen("generation 2 serves with two workers", static status => status is { State: SupervisorPhase.Running, Generation: 2, WorkersTarget: 2 });
        await green.Process.Line("PidFile cannot be changed by a reload.*restart the supervisor");

        await File.WriteAllTextAsync(folder.File("green.json"), """{ "Workers": 1, "Timeout": "soon" }""");
        await using var refused = await green.Command("reload");
        Assert.Equal(7, await refused.Exit());
        Assert.Contains("Timeout ('soon', green.json: Timeout) must be a duration", refused.Output, StringComparison.Ordinal);
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_new_generation_warms_itself_by_a_file_that_is_read_again_and_one_that_answers_badly_does_not_come()
    {
        using var home = new TemporaryFolder();
        var file = home.File("warmup.http");
        await File.WriteAllTextAsync(file, "GET http://shop.example/print?lines=1&text=warmed\n\n###\nPOST /echo\n\nhello\n");
        await using var green = GreenRun.Start(["-w", "1", "--warm-up", $"@{file}", "--warm-up-time", "3s"]);
        await green.Serving(1);
        Assert.DoesNotContain("] warmed 1", green.Process.Output, StringComparison.Ordinal);
        await Reload(0, "is serving generation 2");
        var second = (await green.Serving(1)).Workers[0];
        Assert.Equal(0, second.RequestsTotal);
        Assert.Equal($"[worker {second.Index}] warmed 1", await green.Process.Line("warmed 1"));

        await File.WriteAllTextAsync(file, "GET /pid\n\n###\nGET /crash?how=unknown\n");
        await Reload(7, "failed: /crash?how=unknown was answered with 500");
        await File.WriteAllTextAsync(file, "GET /pid\n\n###\nGET of all\n");
        await Reload(7, "cannot be read: line 4: a request must be 'METHOD URL'");
        Assert.Equal(second.Pid, (await green.Serving(1)).Workers[0].Pid);

        await File.WriteAllTextAsync(file, "GET /slow?ms=600000\n");
        await Reload(0, "is serving generation 5");
        Assert.Contains("failed: /slow?ms=600000 was not answered within 3s (WarmUpTime)", green.Process.Output, StringComparison.Ordinal);
        await green.StopCleanly();

        async Task Reload(int code, string said)
        {
            await using var reload = await green.Command("reload");
            Assert.True(await reload.Exit() == code, reload.Describe());
            Assert.Contains(said, reload.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task HUP_reloads_though_nohup_had_it_ignored()
    {
        await using var green = GreenRun.Start(["-w", "1"], wrapper: ["nohup"]);
        var before = await green.Serving(1);
        Kernel.Signal(before.SupervisorPid, Kernel.SIGHUP);
        var after = await green.StatusWhen("generation 2 serves", static status => status is { State: SupervisorPhase.Running, Generation: 2, Workers: [{ State: WorkerPhase.Serving }] });
        Assert.NotEqual(before.Workers[0].Pid, after.Workers[0].Pid);
        await green.StopCleanly();
    }

    [Fact]
    public async Task Addresses_backlog_and_rights_of_sockets_follow_the_settings_and_a_taken_address_costs_nothing()
    {
        using var folder = new TemporaryFolder();
        var socket = folder.File("app.sock");
        using var one = new FreePort();
        using var another = new FreePort();
        int first = one.Release(), second = another.Release();
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        await Settings(100, "600", $"unix:{socket}", $"127.0.0.1:{first}");
        await using var green = GreenRun.Start(["-w", "2"], bind: false, folder: folder.Path);
        var before = await green.Serving(2);
        await using var load = LoadClient.Start(Target.Parse($"unix:{socket}"), clients: 2);
        await load.More(20);

        await Settings(200, "660", $"unix:{socket}", $"127.0.0.1:{first}", $"{holder.LocalEndpoint}");
        await using (var refused = await green.Command("reload"))
        {
            Assert.Equal(7, await refused.Exit());
            Assert.Contains($"cannot listen on {holder.LocalEndpoint}: address already in use (held by", refused.Output, StringComparison.Ordinal);
        }

        var still = await green.Serving(2);
        Assert.Equal(Pids(before), Pids(still));
        Assert.All(still.Listeners, static listener => Assert.Equal(100, listener.Backlog));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(socket));

        await Settings(200, "660", $"127.0.0.1:{second}", $"unix:{socket}");
        await using (var reload = await green.Command("reload"))
        {
            Assert.True(await reload.Exit() == 0, reload.Describe());
        }

        await load.More(20);
        await load.Stop();
        Assert.True(load is { Broken: 0, Refused: 0 }, load.ToString());
        Assert.Contains(await Target.Loopback(second).Pid(), Pids(await green.Serving(2)).Select(static pid => pid!.Value));
        await green.StatusWhen("the former address is closed", status =>
            status.Listeners.Select(static listener => listener.Endpoint).Order().SequenceEqual([$"tcp://127.0.0.1:{second}", $"unix:{socket}"])
            && status.Listeners.All(static listener => listener.Backlog == 200));
        Assert.Equal((UnixFileMode)0b110_110_000, File.GetUnixFileMode(socket));
        await Assert.ThrowsAnyAsync<SocketException>(() => Target.Loopback(first).Pid());
        await green.StopCleanly();
        Assert.False(File.Exists(socket));

        Task Settings(int backlog, string mode, params string[] binds) => File.WriteAllTextAsync(
            folder.File("green.json"),
            JsonSerializer.Serialize(new { Backlog = backlog, UnixFileMode = mode, Bind = binds }),
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Addresses_that_the_app_chose_and_that_the_operator_names_can_follow_each_other()
    {
        using var folder = new TemporaryFolder();
        using var free = new FreePort();
        var port = free.Release();
        await using var green = GreenRun.Start(["-w", "1"], bind: false, folder: folder.Path, environment: ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"));
        await green.Serving(1);
        await using var load = LoadClient.Start(Target.Loopback(port), clients: 2);
        await load.More(20);
        foreach (var settings in (string[])[$$"""{ "Bind": [ "127.0.0.1:{{port}}" ] }""", "{}"])
        {
            await File.WriteAllTextAsync(folder.File("green.json"), settings, TestContext.Current.CancellationToken);
            await using var reload = await green.Command("reload");
            Assert.True(await reload.Exit() == 0, reload.Describe());
            await load.More(20);
        }

        await load.Stop();
        Assert.True(load is { Broken: 0, Refused: 0 }, load.ToString());
        Assert.Equal($"tcp://127.0.0.1:{port}", Assert.Single((await green.Serving(1)).Listeners).Endpoint);
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_graceful_stop_in_the_middle_of_a_reload_leaves_nobody_behind()
    {
        using var releases = new Releases();
        await using var green = GreenRun.Start(["-w", "1"], releases.App);
        await green.Serving(1);
        releases.Deploy("2", "hang");
        Kernel.Signal(green.Process.Pid, Kernel.SIGHUP);
        await green.StatusWhen("the new worker hangs at boot", static status => status.State == SupervisorPhase.Reloading && status.Workers.Any(static worker => worker is { State: WorkerPhase.Booting, Pid: not null }));
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_loaded_file_that_was_overwritten_in_place_is_told()
    {
        using var releases = new Releases();
        await using var green = GreenRun.Start(["-w", "1"], releases.App);
        await green.StatusWhen("the worker is older than the tolerance", static status => status.Workers is [{ State: WorkerPhase.Serving, UptimeSeconds: > 3 }]);

        // The same bytes, so that the process survives it.
        var loaded = Path.Combine(Path.GetDirectoryName(releases.App)!, "KestrelGreenTransport.dll");
        var bytes = await File.ReadAllBytesAsync(loaded);
        await using (var file = new FileStream(loaded, FileMode.Open, FileAccess.Write))
        {
            await file.WriteAsync(bytes);
        }

        await using var check = await green.Program("check", "--json");
        Assert.Matches(@"worker 1 runs .*KestrelGreenTransport\.dll.*, which (was|were) overwritten in place", check.Output);
        await using var reload = await green.Command("reload");
        Assert.Equal(0, await reload.Exit());
        Assert.Matches(@"worker 1 runs .*KestrelGreenTransport\.dll.*, which (was|were) overwritten in place", reload.Output);
        await green.StopCleanly();
    }

    [Fact]
    public async Task What_comes_before_the_start_runs_once_before_each_generation_and_its_failure_ends_it()
    {
        using var folder = new TemporaryFolder();
        var command = $"echo migrating; echo x >> {folder.File("runs")}; test ! -e {folder.File("fail")}";
        await using var green = GreenRun.Start(["-w", "2", "--before-start", command]);
        await green.Serving(2);
        Assert.Single(await File.ReadAllLinesAsync(folder.File("runs")));
        Assert.Equal(0, await (await green.Command("reload")).Exit());
        Assert.Equal(2, (await File.ReadAllLinesAsync(folder.File("runs"))).Length);

        await File.WriteAllTextAsync(folder.File("fail"), "");
        await using var reload = await green.Command("reload");
        Assert.Equal(7, await reload.Exit());
        Assert.Contains("migrating", reload.Output, StringComparison.Ordinal);
        Assert.Contains("exited with code 1", reload.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await green.Serving(2)).Generation);
        await green.StopCleanly();

        await using var refused = GreenRun.Start(["-w", "2", "--before-start", command]);
        Assert.Equal(3, await refused.Exit());
        refused.AssertNothingLeft();
    }

    [Fact]
    public async Task A_stop_ends_what_comes_before_the_start()
    {
        await using var green = GreenRun.Start(["-w", "1", "--before-start", "echo begins; sleep 600"]);
        await green.Process.Line("BeforeStart: begins");
        await green.StopCleanly();
    }

    /// <summary>Two workers of a release; each test deploys another one.</summary>
    public sealed class TwoWorkers() : SharedRun(workers: 2)
    {
        private readonly Releases _releases = new();
        private readonly TemporaryFolder _folder = new();
        private int _last = 1;

        /// <summary>The number of the generation that the last deployed release becomes. A reload that fails takes a number, too.</summary>
        internal int Generation { get; private set; }

        /// <summary>Puts another release and its settings in place, for one reload; returns its name.</summary>
        internal string Deploy(string? fault = null, string settings = "{}")
        {
            File.WriteAllText(_folder.File("green.json"), settings);
            var release = $"{++_last}";
            _releases.Deploy(release, fault);
            Generation++;
            return release;
        }

        private protected override GreenRun Start()
        {
            Generation = 0;
            Deploy();
            return GreenRun.Start(["-w", "2"], _releases.App, folder: _folder.Path);
        }

        private protected override void Clean()
        {
            _releases.Dispose();
            _folder.Dispose();
        }
    }

    private static IEnumerable<int?> Pids(StatusDocument status) => status.Workers.Select(static worker => worker.Pid);
}
