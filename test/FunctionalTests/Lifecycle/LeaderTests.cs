using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Lifecycle;

/// <summary>Leader services run in one worker at a time, whatever happens to it.</summary>
public sealed class LeaderTests
{
    private const int SIGUSR2 = 12;

    [Fact]
    public async Task One_worker_leads_through_a_kill_and_a_drain_and_never_two()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("leader");
        await using var green = GreenRun.Start(["-w", "2"], environment: [("TESTWORKER_LEADER", file)]);
        await green.Serving(2);
        var first = await Leader(green);
        await Lines(file, $"{first.Pid} begins");

        // Killed: the other worker becomes the leader as soon as the dead one is reaped.
        Kernel.Signal(first.Pid!.Value, Kernel.SIGKILL);
        await green.StatusWhen("another leads, and the first is replaced", status =>
            status.State == SupervisorPhase.Running && status.Workers.Count(static worker => worker.Leader) == 1
            && status.Workers.All(worker => worker.State == WorkerPhase.Serving && worker.Pid != first.Pid));
        var second = await Leader(green);
        await Lines(file, $"{first.Pid} begins", $"{second.Pid} begins");

        // Drained: the next leader begins only when this one has ended.
        Kernel.Signal(second.Pid!.Value, Kernel.SIGTERM);
        await green.StatusWhen("a third leads", status =>
            status.State == SupervisorPhase.Running && status.Workers.Any(worker => worker.Leader && worker.Pid != second.Pid));
        var third = await Leader(green);
        await Lines(file, $"{first.Pid} begins", $"{second.Pid} begins", $"{second.Pid} ends", $"{third.Pid} begins");

        // The supervisor is stopped: the leader ends with its host, and no other follows.
        await green.StopCleanly();
        await Lines(file, $"{first.Pid} begins", $"{second.Pid} begins", $"{second.Pid} ends", $"{third.Pid} begins", $"{third.Pid} ends");
    }

    [Fact]
    public async Task When_the_leader_is_scaled_away_the_next_one_leads()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("leader");
        await using var green = GreenRun.Start(
            ["-w", "2"], environment: [("TESTWORKER_LEADER", file), ("TESTWORKER_BOOT", $"first-waits:{folder.File("go")}")]);
        var youngest = (await Leader(green)).Pid;
        await File.WriteAllTextAsync(folder.File("go"), "", TestContext.Current.CancellationToken);
        await green.Serving(2);

        Assert.Equal(0, await (await green.Command("scale", "1")).Exit());
        var oldest = (await green.StatusWhen("the other leads", status => status.Workers.Any(worker => worker.Leader && worker.Pid != youngest)))
            .Workers.Single(static worker => worker.Leader).Pid;
        await Lines(file, $"{youngest} begins", $"{youngest} ends", $"{oldest} begins");
        await green.StopCleanly();
    }

    [Fact]
    public async Task Over_an_upgrade_nobody_leads_before_the_old_leader_has_ended()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("leader");
        await using var green = GreenRun.Start(["-w", "2"], environment: [("TESTWORKER_LEADER", file)]);
        await green.Serving(2);
        var before = await HeldLeader(green, file);

        await using var upgrade = await green.Command("upgrade");
        Assert.True(await upgrade.Exit() == 0, green.Process.Describe());
        var taken = await green.Serving(2);
        Assert.DoesNotContain(taken.Workers, static worker => worker.Leader);

        // A successor that is itself replaced before it has the lead tells its own successor which leader to wait for.
        await using var again = await green.Command("upgrade");
        Assert.True(await again.Exit() == 0, green.Process.Describe());
        Kernel.Signal(taken.SupervisorPid, Kernel.SIGKILL);
        Assert.DoesNotContain((await green.Serving(2)).Workers, static worker => worker.Leader);
        await NobodyElseLeadsUntilItEnds(green, file, before);
    }

    [Fact]
    public async Task A_supervisor_that_is_killed_in_an_upgrade_leaves_its_leader_and_nobody_else_leads_until_that_one_has_ended()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("leader");
        await using var green = GreenRun.Start(["-w", "1"], environment: [("TESTWORKER_LEADER", file)]);
        await green.Serving(1);
        var before = await HeldLeader(green, file);

        Kernel.Signal(green.Process.Pid, SIGUSR2);
        await green.Process.Line("upgrading: supervisor [0-9]+ is starting");
        Kernel.Signal(green.Process.Pid, Kernel.SIGKILL);
        var taken = await green.StatusWhen(
            "the new one serves", status => status.SupervisorPid != green.Process.Pid && status is { State: SupervisorPhase.Running, Workers: [{ State: WorkerPhase.Serving }] });
        Assert.DoesNotContain(taken.Workers, static worker => worker.Leader);
        await NobodyElseLeadsUntilItEnds(green, file, before);
    }

    [Fact]
    public async Task Without_a_supervisor_the_one_process_leads()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("leader");
        await using var app = ChildProgram.Start(
            "dotnet", [Repo.TestWorker, "--urls", "http://127.0.0.1:0"], [new("TESTWORKER_LEADER", file)], folder.Path);
        await Lines(file, $"{app.Pid} begins");
        Kernel.Signal(app.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await app.Exit());
        await Lines(file, $"{app.Pid} begins", $"{app.Pid} ends");
    }

    /// <summary>The leader's pid. It keeps running while a file exists, whatever it is told.</summary>
    private static async Task<int> HeldLeader(GreenRun green, string file)
    {
        var leader = (await Leader(green)).Pid!.Value;
        await Lines(file, $"{leader} begins");
        await File.WriteAllTextAsync(file + ".hold", "", TestContext.Current.CancellationToken);
        return leader;
    }

    private static async Task NobodyElseLeadsUntilItEnds(GreenRun green, string file, int held)
    {
        await Lines(file, $"{held} begins");
        File.Delete(file + ".hold");
        var after = (await Leader(green)).Pid;
        await Lines(file, $"{held} begins", $"{held} ends", $"{after} begins");
        Kernel.Signal((await green.Status()).SupervisorPid, Kernel.SIGTERM);
        await Eventually.True("all are gone", () => green.Process.IsGone, green.Process.Describe);
    }

    private static async Task<WorkerStatus> Leader(GreenRun green) =>
        Assert.Single((await green.StatusWhen("one leads", static status => status.Workers.Any(static worker => worker.Leader))).Workers, static worker => worker.Leader);

    private static async Task Lines(string file, params string[] expected) =>
        Assert.Equal(expected, await Eventually.Get(
            $"the leader's file has {expected.Length} lines",
            () => Task.FromResult(File.Exists(file) ? File.ReadAllLines(file) : []),
            lines => lines.Length >= expected.Length));
}
