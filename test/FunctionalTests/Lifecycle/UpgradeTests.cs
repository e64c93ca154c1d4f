using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>A new supervisor takes over the sockets, the pid file and the control socket; clients notice nothing.</summary>
public sealed class UpgradeTests
{
    private const int SIGUSR2 = 12;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Under_load_a_new_supervisor_takes_over_and_no_client_is_refused(bool bind)
    {
        using var folder = new TemporaryFolder();
        var pidFile = folder.File("green.pid");
        await using var green = GreenRun.Start(["-w", "2", "--pid-file", pidFile], bind: bind, environment: ("ASPNETCORE_URLS", "http://127.0.0.1:0"));
        var before = await green.Serving(2);
        var target = await green.Target();
        await using var load = LoadClient.Start(target, clients: 4);
        await using var kept = LoadClient.Post(target, clients: 4);
        await load.More(50);

        await using var upgrade = await green.Command("upgrade");
        Assert.True(await upgrade.Exit() == 0, $"{upgrade.Describe()}\n{green.Process.Describe()}");
        var after = await green.Serving(2);
        Assert.NotEqual(before.SupervisorPid, after.SupervisorPid);
        Assert.Equal(before.Listeners.Select(static one => one.Endpoint), after.Listeners.Select(static one => one.Endpoint));
        Assert.Equal($"{after.SupervisorPid}\n", await File.ReadAllTextAsync(pidFile, TestContext.Current.CancellationToken));

        // The old supervisor exits with 0, together with its last worker, and leaves what the new one owns.
        Assert.Equal(0, await green.ExitOfFirst());
        await load.More(200);
        await kept.More(200);
        foreach (var one in new[] { load, kept })
        {
            await one.Stop();
            one.AssertNothingLost();
        }

        Assert.Contains(await target.Pid(), after.Workers.Select(static worker => worker.Pid!.Value));

        // The name is still taken, even with another control socket.
        await using (var second = await green.Program("run", "--name", green.Name, "-b", "127.0.0.1:0", "--control", folder.File("other.sock"), Repo.TestWorker))
        {
            Assert.Equal(2, await second.Exit());
            Assert.Contains("is already running", second.Output, StringComparison.Ordinal);
        }

        // Once more, by signal: the successor can have a successor, too.
        Kernel.Signal(after.SupervisorPid, SIGUSR2);
        var third = await green.StatusWhen(
            "there is another one", now => now.SupervisorPid != after.SupervisorPid && now.State == SupervisorPhase.Running && now.Workers.Count == 2);
        Kernel.Signal(third.SupervisorPid, Kernel.SIGTERM);
        await Eventually.True("all are gone", () => green.Process.IsGone, green.Process.Describe);
        green.AssertNothingLeft();
        Assert.False(File.Exists(pidFile));
    }

    [Fact]
    public async Task A_new_supervisor_that_does_not_come_up_costs_nothing()
    {
        await using var green = GreenRun.Start(["-w", "1"], environment: ("GREEN_TIMEOUT", "30s"));
        var before = await green.Serving(1);
        await File.WriteAllTextAsync(Path.Combine(green.Home, "green.json"), """{ "BootTimeout": "soon" }""", TestContext.Current.CancellationToken);

        await using var upgrade = await green.Command("upgrade");

        Assert.Equal(7, await upgrade.Exit());
        Assert.Contains("BootTimeout", green.Process.Output, StringComparison.Ordinal);
        await green.Process.Line("the upgrade failed: supervisor [0-9]+ exited with code 2");
        var after = await green.Serving(1);
        Assert.Equal((before.SupervisorPid, before.Workers[0].Pid), (after.SupervisorPid, after.Workers[0].Pid));
        Assert.Equal(after.Workers[0].Pid, await (await green.Target()).Pid());
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_new_supervisor_that_cannot_bind_takes_nothing_from_the_old_one()
    {
        using var folder = new TemporaryFolder();
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        await Bind($"unix:{folder.File("app.sock")}");
        await using var green = GreenRun.Start(["-w", "1"], bind: false, folder: folder.Path);
        var before = await green.Serving(1);
        await Bind($"unix:{folder.File("app.sock")}", $"{holder.LocalEndpoint}");

        await using var upgrade = await green.Command("upgrade");
        Assert.Equal(7, await upgrade.Exit());
        Assert.Contains($"cannot listen on {holder.LocalEndpoint}: address already in use", green.Process.Output, StringComparison.Ordinal);
        Assert.Equal(before.Workers[0].Pid, await (await green.Target()).Pid());
        await green.StopCleanly();

        Task Bind(params string[] binds) => File.WriteAllTextAsync(
            folder.File("green.json"), JsonSerializer.Serialize(new { Bind = binds }), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_admin_page_is_the_new_supervisors_and_its_address_is_free_in_time()
    {
        using var port = new FreePort();
        var admin = $"127.0.0.1:{port.Release()}";
        await using var green = GreenRun.Start(["-w", "1", "--admin", admin]);
        await green.Serving(1);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{admin}") };
        Assert.Equal(green.Process.Pid, await Supervisor());

        await using var upgrade = await green.Command("upgrade");
        Assert.True(await upgrade.Exit() == 0, green.Process.Describe());
        var after = await green.Serving(1);
        Assert.NotEqual(green.Process.Pid, after.SupervisorPid);
        Assert.Equal(after.SupervisorPid, await Eventually.Get("the new one answers", Supervisor, pid => pid == after.SupervisorPid, green.Process.Describe));
        Assert.DoesNotContain("error:", green.Process.Output, StringComparison.Ordinal);
        Kernel.Signal(after.SupervisorPid, Kernel.SIGTERM);
        await Eventually.True("all are gone", () => green.Process.IsGone, green.Process.Describe);

        async Task<int> Supervisor() => JsonDocument.Parse(await http.GetStringAsync("/status")).RootElement.GetProperty("supervisorPid").GetInt32();
    }

    [Fact]
    public async Task A_unix_socket_and_its_file_stay_and_the_service_manager_is_told_whom_to_watch()
    {
        using var folder = new TemporaryFolder();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(folder.File("notify")));
        await using var green = GreenRun.Start(
            ["-w", "1", "-b", $"unix:{folder.File("app.sock")}"], environment: ("NOTIFY_SOCKET", folder.File("notify")));
        await green.Serving(1);
        Kernel.Signal(green.Process.Pid, SIGUSR2);

        var said = new List<string>();
        using var limit = new CancellationTokenSource(Eventually.Limit);
        var buffer = new byte[4096];
        while (said.Count(static line => line == "READY=1") < 2)
        {
            said.AddRange(Encoding.UTF8.GetString(buffer, 0, await manager.ReceiveAsync(buffer, limit.Token)).Split('\n'));
        }

        // MAINPID comes first, then READY.
        var main = said.Single(static line => line.StartsWith("MAINPID=", StringComparison.Ordinal));
        Assert.True(said.IndexOf(main) < said.LastIndexOf("READY=1"));
        Assert.DoesNotContain("STOPPING=1", said);
        Assert.Equal(0, await green.ExitOfFirst());
        var after = await green.Serving(1);
        Assert.Equal($"MAINPID={after.SupervisorPid}", main);
        Assert.Equal(after.Workers[0].Pid, await (await green.Target()).Pid());
        Kernel.Signal(after.SupervisorPid, Kernel.SIGTERM);
        await Eventually.True("all are gone", () => green.Process.IsGone, green.Process.Describe);
        green.AssertNothingLeft();
        Assert.False(File.Exists(folder.File("app.sock")));
    }
}
