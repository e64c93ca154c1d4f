using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Lifecycle;

/// <summary>Workers that stand by, and workers that are replaced on purpose.</summary>
public sealed class StandbyTests
{
    [Theory]
    [InlineData(Kernel.SIGKILL, "crash")]
    [InlineData(Kernel.SIGSTOP, "stale")]
    public async Task One_that_stands_by_takes_over_when_another_dies_or_hangs(int signal, string reason)
    {
        await using var green = GreenRun.Start(["-w", "1", "--standby", "1", "--warm-up", "/print?lines=1&text=warmed", "--warm-up-time", "5s", "--timeout", "3s"]);
        var before = await WithStandby(green);
        var standby = Assert.Single(before.Workers, static worker => worker.State == WorkerPhase.Standby);
        var victim = Assert.Single(before.Workers, static worker => worker.State == WorkerPhase.Serving);
        Assert.Equal((0, 0), (standby.RequestsTotal, standby.AcceptedTotal));
        Assert.Equal($"[worker {standby.Index}] warmed 1", await green.Process.Line("warmed 1"));

        var target = await green.Target();
        Assert.Equal(victim.Pid, await target.Pid());
        Kernel.Signal(victim.Pid!.Value, signal);
        await Eventually.True("it works no more", () => Kernel.StateOf(victim.Pid.Value) is null or 'T' or 'Z');
        Assert.Equal(standby.Pid, await target.Pid());
        var after = await WithStandby(green);
        Assert.Equal(standby.Pid, Assert.Single(after.Workers, static worker => worker.State == WorkerPhase.Serving).Pid);
        await green.StatusWhen("how it ended is on record", status => status.Workers.Any(worker => worker.State == WorkerPhase.Standby && worker.LastExit?.Reason == reason));
        await green.StopCleanly();
    }

    [Fact]
    public async Task Workers_that_have_served_enough_are_replaced_and_no_request_is_lost()
    {
        await using var green = GreenRun.Start(["-w", "2", "--max-requests", "100", "--max-requests-jitter", "20"]);
        var before = await green.Serving(2);
        await using var load = LoadClient.Start(await green.Target(), clients: 4);
        await green.StatusWhen("both are replaced", status => status.Workers.All(worker =>
            before.Workers.All(old => old.Pid != worker.Pid) && worker.LastExit?.Reason == "maxRequests"));
        await load.Stop();
        Assert.True(load is { Broken: 0, Refused: 0 }, load.ToString());
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_worker_that_has_grown_too_large_is_replaced()
    {
        await using var green = GreenRun.Start(["-w", "1", "--max-memory", "256MB"]);
        var victim = (await green.Serving(1)).Workers[0];
        await (await green.Target()).Get("/leak?mb=256");
        var after = await green.StatusWhen("it is replaced", status => status.Workers is [{ State: WorkerPhase.Serving, LastExit.Reason: "maxMemory" } worker] && worker.Pid != victim.Pid);
        Assert.Equal(1, after.Workers[0].Restarts);
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_restart_replaces_each_worker_of_its_generation()
    {
        await using var green = GreenRun.Start(["-w", "2", "--max-lifetime", "1h"]);
        var before = await green.Serving(2);
        await using var restart = await green.Command("restart");
        Assert.True(await restart.Exit() == 0, restart.Describe());
        var after = await green.StatusWhen("two serve", static status => status is { State: SupervisorPhase.Running, Workers.Count: 2 });
        Assert.Empty(before.Workers.Select(static worker => worker.Pid).Intersect(after.Workers.Select(static worker => worker.Pid)));
        Assert.All(after.Workers, static worker => Assert.Equal((1, "restart"), (worker.Generation, worker.LastExit?.Reason)));
        await green.StopCleanly();
    }

    [Fact]
    public async Task Drained_workers_leave_while_clients_wait_until_a_reload_brings_them_back()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        await green.Serving(2);
        var target = await green.Target();
        await using var drain = await green.Command("drain", "--all");
        Assert.True(await drain.Exit() == 0, drain.Describe());
        Assert.Empty((await green.Status()).Workers);

        var waiting = target.Pid();
        Kernel.Signal(green.Process.Pid, Kernel.SIGHUP);
        var after = await green.StatusWhen("generation 2 serves", static status => status is { State: SupervisorPhase.Running, Generation: 2, Workers.Count: 2 });
        Assert.Contains(await waiting, after.Workers.Select(static worker => worker.Pid!.Value));

        Kernel.Signal(green.Process.Pid, Kernel.SIGWINCH);
        await green.StatusWhen("all have left", static status => status.Workers.Count == 0);
        await green.StopCleanly();
    }

    private static Task<StatusDocument> WithStandby(GreenRun green) => green.StatusWhen(
        "one serves and one stands by",
        static status => status is { State: SupervisorPhase.Running, Workers.Count: 2 }
            && status.Workers.Count(static worker => worker.State == WorkerPhase.Serving) == 1
            && status.Workers.Count(static worker => worker.State == WorkerPhase.Standby) == 1);
}
