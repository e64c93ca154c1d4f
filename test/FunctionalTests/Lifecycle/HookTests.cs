using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>Hooks are told what happens, and cannot stall the supervisor.</summary>
public sealed class HookTests
{
    [Fact]
    public async Task Commands_are_told_of_a_workers_life_with_the_facts_and_a_slow_one_stalls_nothing()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("told");
        string Note(string what) => $"echo {what} >> {file}";
        await using var green = GreenRun.Start(
        [
            "-w", "1",
            "--hook", $"starting={Note("starting")}",
            "--hook", $"before-spawn={Note("spawn $GREEN_HOOK_WORKER")}",
            "--hook", $"worker-ready={Note("ready $GREEN_HOOK_WORKER $GREEN_HOOK_PID")}",
            "--hook", $"worker-exit={Note("exit $GREEN_HOOK_PID $GREEN_HOOK_REASON $GREEN_HOOK_SIGNAL")}",
            "--hook", $"scale={Note("scale $GREEN_HOOK_FROM $GREEN_HOOK_TO")}; sleep 2",
            "--hook", $"exit={Note("bye $GREEN_HOOK_EXIT_CODE")}",
        ]);
        var before = await green.Serving(1);
        var victim = before.Workers[0];
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        var replacement = await green.Replaced(victim, before);
        Assert.Equal(0, await (await green.Command("scale", "2")).Exit());
        var second = Assert.Single((await green.Serving(2)).Workers, worker => worker.Pid != replacement.Pid);
        await green.StopCleanly();

        var lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        Assert.Equal(
        [
            "starting", "spawn 1", $"ready 1 {victim.Pid}", $"exit {victim.Pid} crash SIGKILL", "spawn 1", $"ready 1 {replacement.Pid}",
            "scale 1 2", "spawn 2", $"ready 2 {second.Pid}",
        ], lines[..9]);
        Assert.Equivalent(new[] { $"exit {replacement.Pid} stop", $"exit {second.Pid} stop" }, lines[9..11].Select(static line => line.TrimEnd()), strict: true);
        Assert.Equal("bye 0", Assert.Single(lines[11..]));
    }
}
