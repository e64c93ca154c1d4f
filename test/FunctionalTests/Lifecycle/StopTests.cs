using System.Globalization;
using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>How a supervisor stops, and how it changes the number of its workers.</summary>
public sealed class StopTests(StopTests.OneWorker shared) : IClassFixture<StopTests.OneWorker>
{
    [Fact]
    [Trait("Set", "smoke")]
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

        // With an hour of grace, an idle connection that delayed the stop would make this run into the test's limit.
        await green.StopCleanly();
        await idle.Ended();
    }

    [Theory]
    [InlineData(Kernel.SIGINT)]
    [InlineData(Kernel.SIGQUIT)]
    public async Task INT_and_QUIT_do_not_wait_for_a_request_though_a_script_started_it_with_both_ignored(int signal)
    {
        // As a shell without job control starts `green run … &`.
        await using var green = GreenRun.Start(["-w", "2", "--graceful-timeout", "1h"], wrapper: ["sh", "-c", "trap '' INT QUIT; exec \"$@\"", "sh"]);
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
        await green.StatusWhen("it is stopping", static status => status.State == SupervisorPhase.Stopping);
        await green.StopCleanly(Kernel.SIGINT);
    }

    [Fact]
    [Trait("Set", "smoke")]
    public async Task Green_stop_ends_it_and_comes_back_when_it_is_gone()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        await green.Serving(2);
        await using var stop = await green.Program("stop");
        Assert.Equal(0, await stop.Exit());
        green.AssertNothingLeft();
        Assert.Equal(0, await green.Exit());
    }

    [Fact]
    [Trait("Set", "smoke")]
    public async Task Who_comes_during_a_stop_is_served_or_refused_but_never_cut_off()
    {
        // A balancer tries another host when it is refused, but after a reset it cannot know what happened to the request.
        await using var green = GreenRun.Start(["-w", "2"]);
        await green.Serving(2);
        await using var load = LoadClient.Start(await green.Target(), clients: 16);
        await load.More(500);
        await green.StopCleanly();
        await Eventually.True("a client is refused", () => load.Refused > 0, load.ToString);
        await load.Stop();
        Assert.True(load.Broken == 0, load.ToString());
    }

    [Fact]
    public async Task Commands_without_a_supervisor_end_with_6()
    {
        using var folder = new TemporaryFolder();
        foreach (var command in new[] { "status", "stop" })
        {
            await using var green = await GreenCommand.Run([command, "--name", "nobody"], folder.Path);
            Assert.Equal(6, await green.Exit());
            Assert.Contains("nobody", green.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task TTIN_and_TTOU_add_and_take_a_worker()
    {
        var green = await shared.Take();
        Kernel.Signal(green.Process.Pid, Kernel.SIGTTIN);
        var two = await green.Serving(2);
        Assert.Equal(2, two.WorkersTarget);
        Kernel.Signal(green.Process.Pid, Kernel.SIGTTOU);
        var one = await green.Serving(1);
        Assert.Equal(1, one.WorkersTarget);
        await shared.GiveBack();
    }

    [Fact]
    public async Task Green_scale_sets_the_number_and_no_request_is_lost_on_the_way_down()
    {
        var green = await shared.Take();
        await using (var up = await green.Command("scale", "3"))
        {
            Assert.Equal(0, await up.Exit());
        }

        await green.Serving(3);
        await using var load = LoadClient.Start(await green.Target(), clients: 4);
        await load.More(200);
        await using (var down = await green.Command("scale", "1"))
        {
            Assert.Equal(0, await down.Exit());
        }

        await green.Serving(1);
        await load.More(200);
        await load.Stop();
        load.AssertNothingLost();
        await shared.GiveBack();
    }

    [Fact]
    public async Task Workers_that_are_terminated_one_after_the_other_under_keep_alive_load_lose_no_request()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        var status = await green.Serving(2);
        var target = await green.Target();
        await using var busy = LoadClient.Post(target, clients: 6);

        // Some connections rest longer than the drain lingers, others less.
        await using var resting = LoadClient.Post(target, clients: 6, pause: TimeSpan.FromSeconds(1.5));
        await using var pausing = LoadClient.Post(target, clients: 6, pause: TimeSpan.FromMilliseconds(200));
        await busy.More(200);
        for (var round = 0; round < 4; round++)
        {
            var victim = status.Workers.MinBy(static worker => worker.Pid)!;
            Kernel.Signal(victim.Pid!.Value, Kernel.SIGTERM);
            await green.Replaced(victim, status);
            await busy.More(200);
            status = await green.Status();
        }

        foreach (var load in new[] { busy, pausing, resting })
        {
            await load.Stop();
            load.AssertNothingLost();
        }

        Assert.True(busy.Report.Servers.Count >= 4, busy.ToString());
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_process_without_a_supervisor_stops_without_losing_a_request()
    {
        using var port = new FreePort();
        var number = port.Release();
        await using var app = ChildProgram.Start("dotnet", [Repo.TestWorker], [new("ASPNETCORE_URLS", $"http://127.0.0.1:{number.ToString(CultureInfo.InvariantCulture)}")]);
        var target = Target.Loopback(number);
        await Eventually.Get("it answers", () => target.Get("/pid"), static _ => true, app.Describe);
        await using var load = LoadClient.Post(target, clients: 4);
        await load.More(200);
        Kernel.Signal(app.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await app.Exit());
        await load.Stop();

        // It stops listening at once, and new clients are refused, but every request on an open connection was answered.
        Assert.True(load.Broken == 0, load.ToString());
    }

    /// <summary>One worker when no test has changed the number.</summary>
    public sealed class OneWorker() : SharedRun(workers: 1)
    {
        private protected override GreenRun Start() => GreenRun.Start(["-w", "1"]);
    }
}
