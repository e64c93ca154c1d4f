using FunctionalTests.Harness;

namespace FunctionalTests.Operating;

/// <summary>Several clients of one supervisor at once: each learns how its own command ended.</summary>
public sealed class OperationTests(OperationTests.TwoWorkers shared) : IClassFixture<OperationTests.TwoWorkers>
{
    [Fact]
    public async Task Two_operators_at_once_each_get_their_own_answer()
    {
        var green = await shared.Take();
        var before = await green.Status();
        var reload = green.Program("reload");
        var restart = green.Program("restart", "99");
        var again = green.Program("reload");
        await using (var refused = await restart)
        {
            Assert.Equal(2, await refused.Exit());
            Assert.Contains("has no worker 99", refused.Output, StringComparison.Ordinal);
        }

        foreach (var one in new[] { reload, again })
        {
            await using var program = await one;
            Assert.True(await program.Exit() == 0, program.Describe());
            Assert.Contains($"{green.Name} is serving generation ", program.Output, StringComparison.Ordinal);
        }

        var after = await green.Serving(2);
        Assert.True(after.Generation > before.Generation);
        Assert.Empty(after.Workers.Select(static worker => worker.Pid).Intersect(before.Workers.Select(static worker => worker.Pid)));
        await shared.GiveBack();
    }

    [Fact]
    public async Task A_command_that_is_overtaken_or_whose_client_goes_away_leaves_nothing_behind()
    {
        var green = await shared.Take();
        await using (var gone = ChildProgram.Start("dotnet", [Repo.Green, "restart", "--name", green.Name], green.Environment))
        {
            await gone.Line("is due for replacement");
            Kernel.Signal(gone.Pid, Kernel.SIGKILL);
        }

        var more = green.Command("scale", "3");
        await green.StatusWhen("three are wanted", static status => status.WorkersTarget == 3);
        await using var back = await green.Command("scale", "2");
        await using var overtaken = await more;

        // On a fast machine the third worker was serving before the second command came.
        Assert.True(await overtaken.Exit() == 0 || overtaken.Output.Contains("was scaled to 2 by another command in the meantime", StringComparison.Ordinal), overtaken.Describe());
        Assert.True(await back.Exit() == 0, back.Describe());
        await shared.GiveBack();
    }

    /// <summary>Two workers when no test has changed the number.</summary>
    public sealed class TwoWorkers() : SharedRun(workers: 2)
    {
        private protected override GreenRun Start() => GreenRun.Start(["-w", "2"]);
    }
}
