using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class LivenessTests
{
    private static readonly ArbiterSettings ShortTimeout = new() { Timeout = TimeSpan.FromSeconds(3) };

    [Fact]
    public void A_worker_that_beats_is_left_alone() =>
        Story.WithServing(workers: 2, ShortTimeout).Passes(600).WantsNothing();

    [Fact]
    public void A_worker_whose_heartbeat_goes_stale_is_aborted_killed_and_replaced()
    {
        var story = Story.WithServing(workers: 2, ShortTimeout).Passes(60).FallsSilent(1).Passes(3.0);
        story.WantsNothing();

        story.Passes(0.1);
        var notice = story.NoticeOf<WorkerStaleNotice>();
        Assert.Equal((1, 3.1, TimeSpan.Zero), (notice.Index, notice.Silence.TotalSeconds, notice.RestartIn));
        story.Wants("abort 1, spawn 3");
        Assert.Equal("1 suspect, 2 serving, 3 booting", story.Seats());
        Assert.Equal(SupervisorPhase.Degraded, story.Phase);

        story.Boots(3);
        Assert.Equal(SupervisorPhase.Running, story.Phase);

        story.Happens(new WorkerAbortFinished(1)).Wants("kill 1");
        Assert.Equal("1 killing, 2 serving, 3 serving", story.Seats());

        story.DiesBySignal(1, 9);
        Assert.Equal(ExitReason.Stale, story.NoticeOf<WorkerLeftNotice>().Exit.Reason);
        story.WantsNothing();
        Assert.Equal("2 serving, 3 serving", story.Seats());
    }

    [Fact]
    public void The_replacement_counts_the_restart_and_shows_how_the_stale_one_ended_once_it_is_reaped()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(3.1).Boots(2);
        Assert.Equal(1, story[2].Restarts);
        Assert.Null(story[2].LastExit);

        story.Happens(new WorkerAbortFinished(1)).DiesBySignal(1, 9);
        Assert.Equal(new LastExit(ExitReason.Stale, ExitStatus.Killed(9), story.Now, Verdict.NoHeartbeat) { Index = 1, Pid = 1001 }, story[2].LastExit);
    }

    [Fact]
    public void The_replacement_shows_it_too_when_its_first_process_could_not_be_made()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(3.1).Happens(new WorkerSpawnFailed(2, "EAGAIN"));
        story.DiesBySignal(1, 9);
        Assert.Equal(ExitReason.Stale, story[2].LastExit!.Reason);
    }

    [Fact]
    public void The_exit_of_a_later_worker_at_the_same_index_is_not_taken_for_that_of_the_stale_one()
    {
        var story = Story.WithServing(workers: 2, ShortTimeout).Passes(10).FallsSilent(1).Passes(3.1).Boots(3).DiesBySignal(1, 6);
        story.Passes(1).Happens(new ScaleRequested(3)).Boots(1).Happens(new ScaleRequested(2)).Exits(1, 0);
        Assert.Equal("2 serving, 3 serving", story.Seats());
        Assert.Equal(ExitReason.Stale, story[3].LastExit!.Reason);
    }

    [Fact]
    public void A_worker_that_cannot_write_its_stacks_is_killed_when_the_time_for_them_is_over()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(3.1).Wants("abort 1, spawn 2");
        story.Boots(2).Passes(2.9).WantsNothing();
        story.Passes(0.1).Wants("kill 1");
    }

    [Fact]
    public void A_beat_comes_too_late_for_a_suspect()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(3.1).Wants("abort 1, spawn 2");
        story.Beats(1);
        Assert.Equal("1 suspect, 2 booting", story.Seats());
        story.Passes(3).Wants("kill 1");
    }

    [Fact]
    public void A_worker_that_serves_and_never_beats_is_judged_from_the_moment_it_was_ready()
    {
        var story = new Story(workers: 1, ShortTimeout).Happens(new Started()).Boots(1).FallsSilent(1).Passes(3).Wants("spawn 1");
        Assert.Null(story[1].LastBeatAt);
        story.Passes(0.1).Wants("abort 1, spawn 2");
    }

    [Fact]
    public void Beats_while_booting_are_noted_and_their_absence_is_not_judged()
    {
        var story = new Story(workers: 1, ShortTimeout).Happens(new Started()).Spawns(1).Beats(1, WorkerState.Booting);
        Assert.Equal(story.Now, story[1].LastBeatAt);
        story.Passes(50).Wants("spawn 1");
    }

    [Fact]
    public void A_draining_worker_is_judged_by_its_grace_and_not_by_its_beats()
    {
        var story = Story.WithServing(workers: 2, ShortTimeout).FallsSilent(2).Happens(new ScaleRequested(1));
        story.Wants("drain 2 in 30s").Passes(39).WantsNothing();
        story.Passes(1).Wants("kill 2");
    }

    [Fact]
    public void A_beat_from_the_future_does_not_make_a_worker_immortal()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1);
        story.Happens(new WorkerBeat(1, long.MaxValue, WorkerState.Serving)).Passes(3.1).Wants("abort 1, spawn 2");
    }

    [Fact]
    public void An_older_beat_does_not_take_back_a_newer_one()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).Passes(10);
        story.Happens(new WorkerBeat(1, story.Now - 5_000_000_000, WorkerState.Serving)).Happens(new Tick()).WantsNothing();
        Assert.Equal(story.Now, story[1].LastBeatAt);
    }

    [Fact]
    public void A_process_that_survives_its_kill_is_killed_again_every_ten_seconds()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(3.1).Boots(2).Happens(new WorkerAbortFinished(1)).Wants("abort 1, spawn 2, kill 1");
        story.Passes(9.9).WantsNothing();
        story.Passes(0.1);
        Assert.Contains("uninterruptible", story.NoticeOf<WorkerKilledNotice>().Why, StringComparison.Ordinal);
        story.Wants("kill 1").Passes(9.9).WantsNothing();
        story.Passes(0.1).Wants("kill 1");
    }

    [Fact]
    public void A_worker_that_begins_to_leave_unasked_is_replaced_at_once_and_has_its_grace()
    {
        var story = Story.WithServing(workers: 2).Passes(60).Beats(1, WorkerState.Draining);
        Assert.Equal(TimeSpan.Zero, story.NoticeOf<WorkerLeavingNotice>().RestartIn);
        story.Wants("spawn 3");
        Assert.Equal("1 draining, 2 serving, 3 booting", story.Seats());
        story.Boots(3).Exits(1, 0).WantsNothing();
        Assert.Equal("2 serving, 3 serving", story.Seats());
        Assert.Equal(ExitReason.Exited, story[3].LastExit!.Reason);
        Assert.Equal(1, story[3].Restarts);
    }

    [Fact]
    public void A_worker_that_leaves_unasked_and_hangs_in_it_is_killed_after_its_grace()
    {
        var story = Story.WithServing(workers: 1).Beats(1, WorkerState.Draining).Boots(2).Wants("spawn 2");
        story.Passes(39.9).WantsNothing();
        story.Passes(0.1).Wants("kill 1");
    }
}
