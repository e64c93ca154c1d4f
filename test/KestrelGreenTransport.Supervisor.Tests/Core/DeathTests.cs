using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class DeathTests
{
    [Fact]
    public void A_crashed_worker_is_replaced_at_once_at_its_index()
    {
        var story = Story.WithServing(workers: 2).Passes(5).DiesBySignal(1, 11);
        var notice = story.NoticeOf<WorkerDiedNotice>();
        Assert.Equal((1, 1001, TimeSpan.Zero), (notice.Index, notice.Pid, notice.RestartIn));
        Assert.Equal(new LastExit(ExitReason.Crash, ExitStatus.Killed(11), story.Now) { Index = 1, Pid = 1001 }, notice.Exit);
        story.Wants("spawn 1");
        Assert.Equal("1 booting, 2 serving", story.Seats());
        Assert.Equal(1, story[1].Restarts);
        Assert.Equal(notice.Exit, story[1].LastExit);
        Assert.Null(story[1].Pid);
    }

    [Theory]
    [InlineData(0, "Exited")]
    [InlineData(1, "Crash")]
    [InlineData(139, "Crash")]
    public void An_exit_code_of_zero_is_no_crash_but_replaced_all_the_same(int code, string reason)
    {
        var story = Story.WithServing(workers: 1).Exits(1, code);
        Assert.Equal(reason, story.NoticeOf<WorkerDiedNotice>().Exit.Reason.ToString());
        story.Wants("spawn 1");
    }

    [Fact]
    public void A_worker_that_keeps_crashing_waits_longer_each_time_up_to_a_bound()
    {
        var story = Story.WithServing(workers: 1).Exits(1, 1);
        Assert.Equal(TimeSpan.Zero, story.NoticeOf<WorkerDiedNotice>().RestartIn);

        var expected = 0.5;
        for (var death = 2; death <= 20; death++)
        {
            _ = story.News;
            story.Spawns(1).Exits(1, 1);
            var wait = story.NoticeOf<WorkerDiedNotice>().RestartIn!.Value.TotalSeconds;
            Assert.InRange(wait, expected * 0.9, expected * 1.1);
            story.WantsNothing();
            Assert.Equal("1 backoff", story.Seats());

            story.Passes(wait + 0.1).Wants("spawn 1");
            expected = Math.Min(30, expected * 1.5);
        }

        Assert.Equal(30, expected);
        Assert.Equal(20, story[1].Restarts);
        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
    }

    [Fact]
    public void Workers_that_crash_together_do_not_come_back_together()
    {
        var story = Story.WithServing(workers: 4);
        for (var index = 1; index <= 4; index++)
        {
            story.Exits(index, 1).Spawns(index).Exits(index, 1);
        }

        Assert.Equal(4, story.State.Workers.Values.Select(seat => seat.Deadline).Distinct().Count());
    }

    [Fact]
    public void Thirty_seconds_of_service_make_a_worker_healthy_again()
    {
        var story = Story.WithServing(workers: 1).Exits(1, 1).Boots(1).Passes(29).Exits(1, 1);
        Assert.Equal(2, story[1].FailuresInARow);
        story.Passes(1).Boots(1).Passes(30);
        _ = story.News;

        story.Exits(1, 1).Wants("spawn 1");
        Assert.Equal(1, story[1].FailuresInARow);
        Assert.Equal(3, story[1].Restarts);
    }

    [Fact]
    public void Silence_is_no_service()
    {
        var settings = new ArbiterSettings { Timeout = TimeSpan.FromSeconds(40) };
        var story = Story.WithServing(workers: 1, settings).Exits(1, 1).Boots(1).FallsSilent(1).Passes(40.1);
        Assert.Equal(2, story[2].FailuresInARow);
        Assert.InRange(story.NoticeOf<WorkerStaleNotice>().RestartIn!.Value.TotalSeconds, 0.45, 0.55);
    }

    [Fact]
    public void The_replacement_takes_the_lowest_free_index()
    {
        var settings = new ArbiterSettings { Timeout = TimeSpan.FromSeconds(3) };
        var story = Story.WithServing(workers: 2, settings).FallsSilent(1).Passes(3.1).Boots(3).DiesBySignal(1, 6);
        Assert.Equal("2 serving, 3 serving", story.Seats());
        _ = story.News;

        story.Exits(3, 1).Passes(1).Wants("spawn 1");
        Assert.Equal("1 booting, 2 serving", story.Seats());
    }

    [Fact]
    public void Who_ended_is_remembered_with_who_took_the_place()
    {
        var settings = new ArbiterSettings { Timeout = TimeSpan.FromSeconds(3) };
        var story = Story.WithServing(workers: 2, settings).FallsSilent(1).Passes(3.1).Boots(3).DiesBySignal(1, 6);
        story.Exits(3, 1).Passes(1).Boots(1).Happens(new ScaleRequested(1));
        var leaving = Assert.Single(story.State.Workers.Values, static worker => !worker.IsStaying);
        story.Exits(leaving.Index, 0);

        Assert.Equal(
            [(1, 1001, ExitReason.Stale, 3), (3, 1003, ExitReason.Crash, 1), (leaving.Index, leaving.Pid!.Value, ExitReason.ScaleDown, (int?)null)],
            story.State.Ended.Select(static one => (one.Exit.Index, one.Exit.Pid, one.Exit.Reason, one.ReplacedBy)));
    }

    [Fact]
    public void Only_the_last_hundred_are_remembered()
    {
        var story = Story.WithServing(workers: 1);
        for (var death = 1; death <= ArbiterSettings.MostEnded + 1; death++)
        {
            story.Exits(1, 1).Passes(40).Spawns(1);
        }

        Assert.Equal(ArbiterSettings.MostEnded, story.State.Ended.Count);
        Assert.Equal(1002, story.State.Ended[0].Exit.Pid);
    }

    [Fact]
    public void A_second_report_of_the_same_exit_is_ignored()
    {
        var story = Story.WithServing(workers: 1).Exits(1, 1).Exits(1, 1).Wants("spawn 1");
        Assert.Equal(1, story[1].Restarts);
    }

    [Fact]
    public void A_worker_dying_on_its_way_out_has_no_second_replacement()
    {
        var settings = new ArbiterSettings { Timeout = TimeSpan.FromSeconds(3) };
        var story = Story.WithServing(workers: 1, settings).FallsSilent(1).Passes(3.1).Wants("abort 1, spawn 2");
        story.DiesBySignal(1, 6).Passes(5).WantsNothing();
        Assert.Equal("2 booting", story.Seats());
    }

    [Fact]
    public void The_whole_is_degraded_while_a_seat_is_empty_and_never_gives_up()
    {
        var story = Story.WithServing(workers: 1);
        for (var death = 1; death <= 50; death++)
        {
            story.Exits(1, 1).Passes(40).Spawns(1);
            Assert.Equal(SupervisorPhase.Degraded, story.Phase);
        }

        story.Happens(new WorkerReady(1));
        Assert.Equal(SupervisorPhase.Running, story.Phase);
        Assert.DoesNotContain(story.News, effect => effect is Leave or KillWorker or DrainWorker);
    }
}
