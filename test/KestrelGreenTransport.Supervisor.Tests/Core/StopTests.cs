using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class StopTests
{
    private static readonly StopRequested Graceful = new(StopKind.Graceful);
    private static readonly StopRequested Quick = new(StopKind.Quick);

    [Fact]
    public void A_graceful_stop_drains_everyone_and_leaves_when_the_last_is_gone()
    {
        var story = Story.WithServing(workers: 2).Happens(Graceful);
        Assert.Equal(2, story.NoticeOf<StoppingNotice>().Workers);
        story.Wants("drain 1 in 30s, drain 2 in 30s");
        Assert.Equal(SupervisorPhase.Stopping, story.Phase);

        story.Exits(1, 0);
        Assert.Equal(ExitReason.Stop, story.NoticeOf<WorkerLeftNotice>().Exit.Reason);
        story.Passes(20).WantsNothing().Exits(2, 0).Wants("leave 0");
        Assert.Equal(SupervisorPhase.Stopped, story.Phase);
    }

    [Fact]
    public void A_worker_that_does_not_leave_in_its_grace_and_a_margin_is_killed()
    {
        var story = Story.WithServing(workers: 1).Happens(Graceful).Passes(39.9).Wants("drain 1 in 30s");
        story.Passes(0.1);
        Assert.Equal(new WorkerKilledNotice(1, 1001, "it did not exit within GracefulTimeout (30s) plus 10s"), story.NoticeOf<WorkerKilledNotice>());
        story.Wants("kill 1").DiesBySignal(1, 9);
        Assert.Equal(ExitReason.Stop, story.NoticeOf<WorkerLeftNotice>().Exit.Reason);
        story.Wants("leave 0");
    }

    [Fact]
    public void A_quick_stop_gives_everyone_two_seconds()
    {
        var story = Story.WithServing(workers: 2).Happens(Quick).Passes(1.9).Wants("drain 1 in 0s, drain 2 in 0s");
        story.Exits(1, 0).Passes(0.1).Wants("kill 2");
        story.DiesBySignal(2, 9).Wants("leave 0");
    }

    [Fact]
    public void A_quick_stop_shortens_a_graceful_one()
    {
        var story = Story.WithServing(workers: 1).Happens(Graceful).Passes(5).Wants("drain 1 in 30s");
        story.Happens(Quick).Passes(1.9).Wants("drain 1 in 0s");
        story.Passes(0.1).Wants("kill 1");
    }

    [Fact]
    public void A_quick_stop_does_not_prolong_what_is_left_of_the_grace()
    {
        var story = Story.WithServing(workers: 1).Happens(Graceful).Passes(39).Wants("drain 1 in 30s");
        story.Happens(Quick).Passes(1).Wants("kill 1");
    }

    [Fact]
    public void A_second_quick_stop_kills_at_once()
    {
        var story = Story.WithServing(workers: 2).Happens(Quick).Passes(0.1).Happens(Quick);
        story.Wants("drain 1 in 0s, drain 2 in 0s, kill 1, kill 2");
        story.Happens(Quick).WantsNothing();
    }

    [Fact]
    public void A_second_graceful_stop_changes_nothing()
    {
        var story = Story.WithServing(workers: 1).Happens(Graceful).Passes(10).Wants("drain 1 in 30s");
        story.Happens(Graceful).WantsNothing();
        story.Happens(Quick).Happens(Graceful).Passes(2).Wants("drain 1 in 0s, kill 1");
    }

    [Fact]
    public void Seats_in_backoff_vanish()
    {
        var story = Story.WithServing(workers: 2).Exits(1, 1).Spawns(1).Exits(1, 1).Wants("spawn 1");
        story.Happens(Graceful);
        Assert.Equal(1, story.NoticeOf<StoppingNotice>().Workers);
        Assert.Equal("2 draining", story.Seats());
    }

    [Fact]
    public void A_process_that_is_still_being_made_is_drained_as_soon_as_it_is_there()
    {
        var story = new Story(workers: 1).Happens(new Started()).Happens(Graceful).Passes(4).Wants("spawn 1");
        story.Spawns(1).Wants("drain 1 in 26s").Exits(1, 0).Wants("leave 0");
    }

    [Fact]
    public void A_process_that_appears_after_the_grace_is_killed_at_once()
    {
        var story = new Story(workers: 1).Happens(new Started()).Happens(Quick).Passes(3).Wants("spawn 1");
        story.Spawns(1).Wants("kill 1");
    }

    [Fact]
    public void A_spawn_that_fails_during_a_stop_is_one_worker_less_to_wait_for()
    {
        var story = new Story(workers: 1).Happens(new Started()).Happens(Graceful).Happens(new WorkerSpawnFailed(1, "EAGAIN"));
        story.Wants("spawn 1, leave 0");
    }

    [Fact]
    public void A_stop_before_the_start_leaves_at_once() =>
        new Story(workers: 2).Happens(Graceful).Happens(new Started()).Wants("leave 0");

    [Fact]
    public void A_worker_that_dies_during_a_stop_is_not_replaced_and_nothing_else_starts_one()
    {
        var story = Story.WithServing(workers: 2).Happens(Graceful).Happens(new ScaleRequested(5)).Happens(new Started()).Exits(1, 1).Passes(5);
        story.Wants("drain 1 in 30s, drain 2 in 30s");
        Assert.Equal(2, story.State.Target);
    }

    [Fact]
    public void A_suspect_keeps_its_own_ladder_and_its_reason_during_a_stop()
    {
        var settings = new ArbiterSettings { Timeout = TimeSpan.FromSeconds(3) };
        var story = Story.WithServing(workers: 1, settings).FallsSilent(1).Passes(3.1).Boots(2).Wants("abort 1, spawn 2");
        story.Happens(Graceful).Passes(3).Wants("drain 2 in 30s, kill 1");
        story.DiesBySignal(1, 9);
        Assert.Equal(ExitReason.Stale, story.NoticeOf<WorkerLeftNotice>().Exit.Reason);
    }

    [Fact]
    public void A_worker_that_was_leaving_for_another_reason_keeps_that_reason()
    {
        var story = Story.WithServing(workers: 2).Happens(new ScaleRequested(1)).Happens(Quick).Wants("drain 2 in 30s, drain 1 in 0s, drain 2 in 0s");
        story.Exits(2, 0);
        Assert.Equal(ExitReason.ScaleDown, story.NoticeOf<WorkerLeftNotice>().Exit.Reason);
    }

    [Fact]
    public void After_the_end_nothing_is_wanted_ever_again()
    {
        var story = Story.WithServing(workers: 1).Happens(Graceful).Exits(1, 0).Wants("drain 1 in 30s, leave 0");
        story.SupervisorSleeps(60).Happens(new Tick()).Happens(Quick).Happens(new Started()).Happens(new ScaleRequested(3)).Exits(1, 0);
        Assert.Empty(story.News);
    }
}
