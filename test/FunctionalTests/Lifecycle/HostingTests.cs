using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>Everything that stock Kestrel serves is served under a supervisor, however the app builds its hosts.</summary>
public sealed class HostingTests
{
    [Theory]
    [InlineData("web-host")]
    [InlineData("startup")]
    [InlineData("slim")]
    [InlineData("empty")]
    [InlineData("worker-and-web")]
    [InlineData("self-hosted")]
    [InlineData("one-after-the-other")]
    public async Task Each_hosting_shape_serves_what_was_bound_and_stops(string shape)
    {
        await using var green = GreenRun.Start(["-w", "1"], environment: ("TESTWORKER_SHAPE", shape));
        await green.Serving(1);
        Assert.Equal(shape, await (await green.Target()).Get("/"));
        await green.StopCleanly();
    }

    [Theory]
    [InlineData("web-host")]
    [InlineData("startup")]
    [InlineData("empty")]
    public async Task Each_way_to_build_a_host_serves_its_own_urls(string shape)
    {
        using var free = new FreePort();
        var port = free.Release();
        await using var green = GreenRun.Start(
            ["-w", "1"], bind: false, environment: [("TESTWORKER_SHAPE", shape), ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}")]);
        await green.Serving(1);
        Assert.Equal(shape, await Target.Loopback(port).Get("/"));
        await green.StopCleanly();
    }

    [Fact]
    public async Task Each_address_of_two_hosts_is_answered_by_its_own_host_also_after_a_crash()
    {
        using var free = new FreePort();
        using var other = new FreePort();
        var (publicly, admin) = (free.Release(), other.Release());
        await using var green = GreenRun.Start(
            ["-w", "1"], bind: false, environment: ("TESTWORKER_SHAPE", $"two-hosts http://127.0.0.1:{publicly} http://127.0.0.1:{admin}"));
        var worker = (await green.Serving(1)).Workers[0];
        await EachAnswers();

        Kernel.Signal(worker.Pid!.Value, Kernel.SIGKILL);
        await green.StatusWhen("another one serves", now => now.State == SupervisorPhase.Running && now.Workers is [{ State: WorkerPhase.Serving } next] && next.Pid != worker.Pid);
        await EachAnswers();
        var status = await green.Status();
        Assert.Equal(2000, status.Workers[0].ConnectionsLimit);
        await green.StopCleanly();

        async Task EachAnswers()
        {
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal("public", await Target.Loopback(publicly).Get("/"));
                Assert.Equal("admin", await Target.Loopback(admin).Get("/"));
            }
        }
    }

    // The supervisor did not bind the admin host's address, so that host must not get the public one instead.
    [Fact]
    public async Task An_address_meant_for_loopback_is_never_served_by_the_other_host()
    {
        using var free = new FreePort();
        using var other = new FreePort();
        var (publicly, admin) = (free.Release(), other.Release());
        await using var green = GreenRun.Start(
            ["-w", "1", "-b", $"127.0.0.1:{publicly}"],
            environment: ("TESTWORKER_SHAPE", $"two-hosts http://127.0.0.1:{publicly} http://127.0.0.1:{admin}"));
        Assert.Equal(4, await green.Exit());
        Assert.Contains($"tcp://127.0.0.1:{admin}, which this worker did not inherit", green.Process.Output, StringComparison.Ordinal);

        await using var both = GreenRun.Start(
            ["-w", "1", "-b", $"127.0.0.1:{publicly}", "-b", $"127.0.0.1:{admin}"],
            environment: ("TESTWORKER_SHAPE", $"two-hosts http://127.0.0.1:{publicly} http://127.0.0.1:{admin}"));
        await both.Serving(1);
        Assert.Equal("public", await Target.Loopback(publicly).Get("/"));
        Assert.Equal("admin", await Target.Loopback(admin).Get("/"));
        await both.StopCleanly();
    }

    // The supervisor looks every 500 ms at the sockets of a worker that has not said hello.
    [Fact]
    public async Task An_app_that_listens_on_a_socket_of_its_own_and_starts_slowly_is_served()
    {
        await using var green = GreenRun.Start(["-w", "1"], environment: ("TESTWORKER_BOOT", "own-listener:1200"));
        await green.Serving(1);
        Assert.DoesNotContain("by itself", green.Process.Output, StringComparison.Ordinal);
        await green.StopCleanly();
    }
}
