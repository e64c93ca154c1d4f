using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests;

/// <summary>What exists once runs in one worker, whatever becomes of it.</summary>
public sealed class LeaderTests
{
    [Fact]
    public async Task One_worker_leads_through_a_kill_and_a_drain_and_never_two()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("leader");
        await using var green = GreenRun.Start(["-w", "2"], environment: [("TESTWORKER_LEADER", file)]);
        await green.Serving(2);
        var first = await Leader(green);
        await Lines(file, $"{first.Pid} begins");

        // Killed: the other leads as soon as the dead one is reaped.
        Kernel.Signal(first.Pid!.Value, Kernel.SIGKILL);
        await green.StatusWhen("another leads, and the first is replaced", status =>
            status.State == "running" && status.Workers.Count(static worker => worker.Leader) == 1
            && status.Workers.All(worker => worker.State == "serving" && worker.Pid != first.Pid));
        var second = await Leader(green);
        await Lines(file, $"{first.Pid} begins", $"{second.Pid} begins");

        // Drained: the next one begins only when this one has ended.
        Kernel.Signal(second.Pid!.Value, Kernel.SIGTERM);
        await green.StatusWhen("a third leads", status =>
            status.State == "running" && status.Workers.Any(worker => worker.Leader && worker.Pid != second.Pid));
        var third = await Leader(green);
        await Lines(file, $"{first.Pid} begins", $"{second.Pid} begins", $"{second.Pid} ends", $"{third.Pid} begins");

        // Stopped as a whole: it ends with its host, and nobody follows.
        await green.StopCleanly();
        await Lines(file, $"{first.Pid} begins", $"{second.Pid} begins", $"{second.Pid} ends", $"{third.Pid} begins", $"{third.Pid} ends");
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

    private static async Task<WorkerStatus> Leader(GreenRun green) =>
        Assert.Single((await green.StatusWhen("one leads", static status => status.Workers.Any(static worker => worker.Leader))).Workers, static worker => worker.Leader);

    private static async Task Lines(string file, params string[] expected) =>
        Assert.Equal(expected, await Eventually.Get(
            $"the leader's file has {expected.Length} lines",
            () => Task.FromResult(File.Exists(file) ? File.ReadAllLines(file) : []),
            lines => lines.Length >= expected.Length));
}
