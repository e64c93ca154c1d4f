using FunctionalTests.Harness;

namespace FunctionalTests;

/// <summary>Tests that build share a collection: two builds of one project at a time would disturb each other.</summary>
[Collection("builds")]
public sealed class ProjectFolderTests
{
    [Fact]
    public async Task A_project_folder_is_built_and_run()
    {
        await using var green = GreenRun.Start(["-w", "1"], app: Repo.Path("test/TestWorker"));

        // A first build in another configuration takes its time on a small machine.
        await green.Process.Lines("worker 1 .* serves", 1, limit: TimeSpan.FromMinutes(5));
        var status = await green.Serving(1);
        Assert.Equal(status.Workers[0].Pid, await (await green.Target()).Pid());
        await green.StopCleanly();
    }
}
