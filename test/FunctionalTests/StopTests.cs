using FunctionalTests.Harness;

namespace FunctionalTests;

/// <summary>How a supervisor ends, and how it changes the number of its workers.</summary>
public sealed class StopTests
{
    [Fact]
    public async Task TERM_lets_a_request_in_flight_finish()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        await green.Serving(2);
        var target = await green.Target();
        using var slow = await target.Ask("/slow?ms=2500");
        await green.StatusWhen("the request is in flight", static status => status.Workers.Sum(static worker => worker.RequestsInFlight) == 1);

        Kernel.Signal(green.Process.Pid, Kernel.SIGTERM);
        Assert.NotEmpty(await slow.Receive());
        Assert.Equal(0, await green.Exit());
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task TERM_ends_idle_keep_alive_connections_at_once()
    {
        await using var green = GreenRun.Start(["-w", "1", "--graceful-timeout", "1h"]);
        await green.Serving(1);
        using var idle = await RawConnection.To(await green.Target());
        await idle.Get("/pid");

        // With an hour of grace, an idle connection that held the stop up would fail this by the test's limit.
        await green.StopCleanly();
        await idle.Ended();
    }

    [Theory]
    [InlineData(Kernel.SIGINT)]
    [InlineData(Kernel.SIGQUIT)]
    public async Task INT_and_QUIT_do_not_wait_for_a_request(int signal)
    {
        await using var green = GreenRun.Start(["-w", "2", "--graceful-timeout", "1h"]);
        await green.Serving(2);
        using var slow = await (await green.Target()).Ask("/slow?ms=3600000");
        await green.StatusWhen("the request is in flight", static status => status.Workers.Sum(static worker => worker.RequestsInFlight) == 1);
        await green.StopCleanly(signal);
    }

    [Fact]
    public async Task A_second_signal_makes_a_graceful_stop_quick()
    {
        await using var green = GreenRun.Start(["-w", "1", "--graceful-timeout", "1h"]);
        await green.Serving(1);
        using var slow = await (await green.Target()).Ask("/slow?ms=3600000");
        await green.StatusWhen("the request is in flight", static status => status.Workers[0].RequestsInFlight == 1);
        Kernel.Signal(green.Process.Pid, Kernel.SIGTERM);
        await green.StatusWhen("it is stopping", static status => status.State == "stopping");
        await green.StopCleanly(Kernel.SIGINT);
    }

    [Fact]
    public async Task Green_stop_ends_it_and_comes_back_when_it_is_gone()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        await green.Serving(2);
        await using var stop = await green.Command("stop");
        Assert.Equal(0, await stop.Exit());
        green.AssertNothingLeft();
        Assert.Equal(0, await green.Exit());
    }

    [Fact]
    public async Task Commands_without_a_supervisor_end_with_6()
    {
        using var folder = new TemporaryFolder();
        foreach (var command in new[] { "status", "stop" })
        {
            await using var green = await ChildProgram.Run("dotnet", [Repo.Green, command, "--name", "nobody"], [new("RUNTIME_DIRECTORY", folder.Path)]);
            Assert.Equal(6, await green.Exit());
            Assert.Contains("nobody", green.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task TTIN_and_TTOU_add_and_take_a_worker()
    {
        await using var green = GreenRun.Start(["-w", "1"]);
        await green.Serving(1);
        Kernel.Signal(green.Process.Pid, Kernel.SIGTTIN);
        var two = await green.Serving(2);
        Assert.Equal(2, two.WorkersTarget);
        Kernel.Signal(green.Process.Pid, Kernel.SIGTTOU);
        var one = await green.Serving(1);
        Assert.Equal(1, one.WorkersTarget);
        await green.StopCleanly();
    }

    [Fact]
    public async Task Green_scale_sets_the_number_and_no_request_is_lost_on_the_way_down()
    {
        await using var green = GreenRun.Start(["-w", "1"]);
        await green.Serving(1);
        await using (var up = await green.Command("scale", "3"))
        {
            Assert.Equal(0, await up.Exit());
        }

        await green.Serving(3);
        var load = LoadClient.Start(await green.Target(), clients: 4);
        await load.More(200);
        await using (var down = await green.Command("scale", "1"))
        {
            Assert.Equal(0, await down.Exit());
        }

        await green.Serving(1);
        await load.More(200);
        await load.Stop();
        Assert.Equal((0, 0), (load.Refused, load.Broken));
        await green.StopCleanly();
    }
}
