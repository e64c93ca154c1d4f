using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>A supervisor as a service in the app's own host.</summary>
public sealed class EmbeddingTests
{
    [Fact]
    public async Task A_host_supervises_an_app_and_its_stop_lets_requests_finish()
    {
        await using var host = GreenRun.StartApp(Repo.TestWorker, [], ("TESTWORKER_EMBED", "1"));
        await host.Serving(2);
        using var slow = await (await host.Target()).Ask("/slow?ms=2000");
        await host.StatusWhen("the request is in flight", static status => status.Workers.Sum(static worker => worker.RequestsInFlight) == 1);
        Kernel.Signal(host.Process.Pid, Kernel.SIGTERM);

        Assert.Matches(@"^\d+$", await slow.Receive());
        Assert.Equal(0, await host.Exit());
        host.AssertNothingLeft();
    }

    [Fact]
    public async Task A_host_whose_app_cannot_start_leaves_with_the_supervisors_code()
    {
        await using var host = GreenRun.StartApp(Repo.TestWorker, [], ("TESTWORKER_EMBED", "1"), ("TESTWORKER_BOOT", "throw:as asked"));
        Assert.Equal(3, await host.Exit());
        host.AssertNothingLeft();
    }
}
