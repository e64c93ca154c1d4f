using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Lifecycle;

/// <summary>A worker that dies or hangs is replaced, and no client is refused in the meantime.</summary>
public sealed class ReplacementTests(ReplacementTests.OneWorker shared) : IClassFixture<ReplacementTests.OneWorker>
{
    [Fact]
    [Trait("Set", "smoke")]
    public async Task A_killed_worker_is_replaced_while_the_port_stays_open_and_the_others_answer()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        var before = await green.Serving(2);
        var target = await green.Target();
        var (victim, other) = (before.Workers[0], before.Workers[1]);
        Assert.Equal(0, victim.Restarts);

        await using var load = LoadClient.Post(target, clients: 4);
        await load.More(200);
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        var replacement = await green.Replaced(victim, before);
        await load.More(200);
        await load.Stop();

        // Only the requests that the killed process was handling are lost: at most one for each client, on a connection where it
        // had answered before, or no process had yet.
        Assert.True(load.Broken <= 4, load.ToString());
        Assert.All(load.Report.Losses, loss =>
        {
            Assert.True(loss.Outcome is LoadGenerator.Outcome.Reset or LoadGenerator.Outcome.Ended, load.ToString());
            Assert.True(loss.Server is null || loss.Server == victim.Pid, load.ToString());
        });

        Assert.Equal(1, replacement.Restarts);
        AssertExit(replacement, "crash", signal: "SIGKILL");
        Assert.Equal(other.Pid, Assert.Single((await green.Status()).Workers, worker => worker.Index == other.Index).Pid);
        await green.StopCleanly();
    }

    [Fact]
    public async Task The_replacement_serves()
    {
        var green = await shared.Take();
        var before = await green.Status();
        var victim = before.Workers[0];
        var target = await green.Target();
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);

        // Sent while no worker is serving: the kernel's queue keeps the client until the replacement is ready.
        var pid = await target.Pid();
        Assert.NotEqual(victim.Pid, pid);
        Assert.Equal(pid, (await green.Replaced(victim, before)).Pid);
        await shared.GiveBack();
    }

    [Fact]
    [Trait("Set", "smoke")]
    public async Task A_stopped_process_is_stale_and_replaced()
    {
        await using var green = GreenRun.Start(["-w", "2", "--timeout", "3s"]);
        var before = await green.Serving(2);
        var victim = before.Workers[1];
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGSTOP);

        var replacement = await green.Replaced(victim, before);
        AssertExit(replacement, "stale", signal: "SIGKILL");
        Assert.Equal(1, replacement.Restarts);
        Assert.False(Kernel.IsAlive(victim.Pid.Value));
        await green.Process.Line($@"no heartbeat from worker {victim.Index} \(pid {victim.Pid}\) for .*frozen process");
        Assert.Equal("frozenProcess", replacement.LastExit!.Verdict);
        await green.StopCleanly();
    }

    [Theory]
    [InlineData("/crash?how=failfast", null, "SIGABRT")]
    [InlineData("/crash?how=throw", null, "SIGABRT")]
    [InlineData("/print-exit?lines=1&text=bye&code=7", 7, null)]
    public async Task A_worker_that_crashes_by_itself_is_replaced_and_its_end_is_on_record(string path, int? code, string? signal)
    {
        var green = await shared.Take();
        var before = await green.Status();
        var victim = before.Workers[0];
        using var asked = await (await green.Target()).Ask(path);

        var replacement = await green.Replaced(victim, before);
        Assert.Equal(code, replacement.LastExit!.ExitCode);
        Assert.Equal(signal, replacement.LastExit.Signal);
        Assert.Equal("crash", replacement.LastExit.Reason);
        Assert.Equal(victim.Restarts + 1, replacement.Restarts);
        await shared.GiveBack();
    }

    [Fact]
    public async Task A_worker_that_leaves_unasked_with_0_is_replaced()
    {
        var green = await shared.Take();
        var before = await green.Status();
        var victim = before.Workers[0];
        using var asked = await (await green.Target()).Ask("/exit0");

        var replacement = await green.Replaced(victim, before);
        Assert.Equal("exited", replacement.LastExit!.Reason);
        Assert.Equal(0, replacement.LastExit.ExitCode);
        await shared.GiveBack();
    }

    [Fact]
    public async Task A_worker_that_somebody_else_terminates_finishes_its_request_and_is_replaced()
    {
        var green = await shared.Take();
        var before = await green.Status();
        var victim = before.Workers[0];
        using var slow = await (await green.Target()).Ask("/slow?ms=2000");
        await green.StatusWhen("the request is in flight", static status => status.Workers[0].RequestsInFlight == 1);
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGTERM);

        Assert.Equal($"{victim.Pid}", await slow.Receive());
        var replacement = await green.Replaced(victim, before);
        Assert.Equal("exited", replacement.LastExit!.Reason);
        Assert.Equal(victim.Restarts + 1, replacement.Restarts);
        await shared.GiveBack();
    }

    [Fact]
    public async Task A_replacement_that_hangs_at_boot_is_replaced_too()
    {
        using var folder = new TemporaryFolder();
        var flag = folder.File("hang");
        await using var green = GreenRun.Start(
            ["-w", "1", "--boot-timeout", "6s"], environment: ("TESTWORKER_BOOT", $"hang-once:{flag}"));
        var before = await green.Serving(1);
        var victim = before.Workers[0];
        await File.WriteAllTextAsync(flag, "");
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);

        var status = await green.StatusWhen(
            "it serves again after the one that hung",
            static status => status is { State: SupervisorPhase.Running, Workers: [{ State: WorkerPhase.Serving, Restarts: 2 }] });
        Assert.Equal("bootTimeout", status.Workers[0].LastExit!.Reason);
        Assert.False(File.Exists(flag));
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_worker_whose_heartbeat_file_is_deleted_is_left_alone()
    {
        await using var green = GreenRun.Start(["-w", "1", "--timeout", "2s"]);
        var worker = (await green.Serving(1)).Workers[0];
        foreach (var file in Directory.EnumerateFiles(green.RuntimeDirectory, "*.beat", SearchOption.AllDirectories))
        {
            File.Delete(file);
        }

        // More heartbeats have arrived since: the worker was judged while its file was gone.
        await green.StatusWhen("it beats on for 5 s", static status => status.Workers[0].UptimeSeconds > 5);
        var after = await green.StatusWhen("its beat is fresh", static status => status.Workers[0].UptimeSeconds > 6 && status.Workers[0].HeartbeatAgeSeconds < 2);
        Assert.Equal(worker.Pid, after.Workers[0].Pid);
        await green.StopCleanly();
    }

    /// <summary>One worker, which dies in each of the tests that share it.</summary>
    public sealed class OneWorker() : SharedRun(workers: 1)
    {
        private protected override GreenRun Start() => GreenRun.Start(["-w", "1"]);
    }

    private static void AssertExit(WorkerStatus worker, string reason, string signal)
    {
        Assert.NotNull(worker.LastExit);
        Assert.Equal(reason, worker.LastExit.Reason);
        Assert.Equal(signal, worker.LastExit.Signal);
        Assert.Null(worker.LastExit.ExitCode);
    }
}
