using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class ReloadTests
{
    private static readonly ReloadRequested Reload = new();

    [Fact]
    public void A_new_generation_comes_one_worker_at_a_time_and_the_oldest_leaves_once_the_new_one_has_served_for_a_moment()
    {
        var story = Story.WithServing(workers: 2).Passes(60).Happens(Reload).Wants("prepare 2");
        Assert.Equal(SupervisorPhase.Reloading, story.Phase);
        Assert.Equal("1 serving, 2 serving", story.Seats());

        story.IsPrepared().Wants("spawn 3 of generation 2");
        story.Boots(3).WantsWithGates("open 3");
        story.Passes(0.4).WantsNothing();
        story.Passes(0.2).Wants("drain 1 in 30s");

        // The next worker's turn comes when the worker replaced before it is gone.
        story.Passes(5).WantsNothing();
        story.Exits(1, 0).Wants("spawn 1 of generation 2");
        Assert.Equal(ExitReason.Reload, story[3].LastExit!.Reason);
        story.Boots(1).Passes(0.6).Wants("drain 2 in 30s").Exits(2, 0);

        Assert.Equal(2, story.State.Generation);
        Assert.Equal("1 serving, 3 serving", story.Seats());
        Assert.Equal(SupervisorPhase.Running, story.Phase);
        Assert.Equal(new ReloadOutcome(1, 2, null), story.State.LastReload);
    }

    [Fact]
    public void A_worker_that_serves_without_a_beat_that_says_so_replaces_nobody()
    {
        var story = Reloading(workers: 1).Boots(2).FallsSilent(2).Passes(20);
        story.WantsNothing();
        Assert.Equal("1 serving, 2 serving", story.Seats());
    }

    [Theory]
    [InlineData("exit")]
    [InlineData("signal")]
    [InlineData("boot timeout")]
    [InlineData("spawn")]
    [InlineData("stale")]
    [InlineData("leaves")]
    public void Whatever_the_first_new_worker_fails_of_the_old_generation_is_untouched(string how)
    {
        var story = Reloading(workers: 2);
        _ = how switch
        {
            "exit" => story.Spawns(3).Exits(3, 134),
            "signal" => story.Boots(3).Passes(0.3).DiesBySignal(3, 11),
            "boot timeout" => story.Spawns(3).Passes(60.1),
            "spawn" => story.Happens(new WorkerSpawnFailed(3, "ENOENT")),
            "stale" => story.Boots(3).FallsSilent(3).Passes(30.1),
            _ => story.Boots(3).Beats(3, KestrelGreenTransport.Contract.WorkerState.Draining),
        };

        var failed = story.NoticeOf<ReloadFailedNotice>();
        Assert.Equal((2, 1, 0), (failed.Generation, failed.InForce, failed.Replaced));
        Assert.DoesNotContain(story.News, static effect => effect is DrainWorker { Index: < 3 } or KillWorker or SpawnWorker);
        Assert.All(story.State.Workers.Values.Where(static worker => worker.Index < 3), static worker => Assert.Equal(WorkerPhase.Serving, worker.Phase));
        Assert.Equal((SupervisorPhase.Running, 1), (story.Phase, story.State.Generation));
        Assert.Same(failed.Cause, story.State.LastReload!.Failure);

        // It does not try again by itself.
        story.DiesBySignal(3, 9).Passes(60).WantsNothing();
    }

    [Fact]
    public void What_cannot_be_prepared_starts_nobody()
    {
        var story = Story.WithServing(workers: 1).Happens(Reload).Happens(new PreparationFailed(2, "migrations failed"));
        Assert.Equal(new PreparationFailedNotice(2, "migrations failed"), story.NoticeOf<ReloadFailedNotice>().Cause);
        story.Wants("prepare 2");
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void A_failure_halfway_is_undone_as_carefully_as_it_was_done()
    {
        var story = Reloading(workers: 2).Boots(3).Passes(0.6).Exits(1, 0).Spawns(1).Wants("drain 1 in 30s, spawn 1 of generation 2");
        story.Exits(1, 134);
        Assert.Equal(1, story.NoticeOf<ReloadFailedNotice>().Replaced);
        story.Wants("spawn 1");
        Assert.Equal(SupervisorPhase.Reloading, story.Phase);
        story.Boots(1).Passes(0.6).Wants("drain 3 in 30s").Exits(3, 0);
        Assert.Equal("1 serving, 2 serving", story.Seats());
        Assert.All(story.State.Workers.Values, static worker => Assert.Equal(1, worker.Generation));
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void A_new_worker_that_dies_after_it_replaced_another_is_a_failure_too()
    {
        var story = Reloading(workers: 2).Boots(3).Passes(0.6).Exits(1, 0).Spawns(1).Wants("drain 1 in 30s, spawn 1 of generation 2");
        story.DiesBySignal(3, 11);
        story.NoticeOf<ReloadFailedNotice>();

        // The new worker is drained, and the empty place is filled from the generation in force.
        story.Wants("drain 1 in 30s, spawn 3").Boots(3).Exits(1, 0);
        Assert.Equal("2 serving, 3 serving", story.Seats());
        Assert.Equal((SupervisorPhase.Running, 1), (story.Phase, story[3].Generation));
    }

    [Fact]
    public void When_the_old_generation_does_not_come_back_the_new_workers_stay_where_they_are()
    {
        var story = Reloading(workers: 2).Boots(3).Passes(0.6).Exits(1, 0).Spawns(1).Exits(1, 134).Spawns(1).Exits(1, 1);
        story.NoticeOf<RollbackFailedNotice>();
        Assert.Equal("2 serving, 3 serving", story.Seats());
        Assert.Equal(SupervisorPhase.Running, story.Phase);
        _ = story.News;
        story.Passes(60).WantsNothing();
    }

    [Fact]
    public void Reloads_that_are_asked_for_meanwhile_become_one_more()
    {
        var story = Reloading(workers: 1).Happens(Reload).Happens(Reload).Happens(Reload).Boots(2).Passes(0.6).WantsWithGates("open 2, drain 1 in 30s");
        story.Exits(1, 0).Wants("prepare 3").IsPrepared().Wants("spawn 1 of generation 3");
        story.Boots(1).Passes(0.6).Exits(2, 0).Wants("drain 2 in 30s");
        Assert.Equal((3, 2), (story.State.Generation, story.State.LastReload!.Number));
    }

    [Fact]
    public void The_number_of_a_failed_generation_is_not_used_again()
    {
        var story = Reloading(workers: 1).Spawns(2).Exits(2, 1).Happens(Reload).IsPrepared();
        story.Wants("prepare 3, spawn 2 of generation 3");
    }

    [Fact]
    public void A_reload_waits_for_the_start()
    {
        var story = new Story(workers: 2).Happens(new Started()).Boots(1).Happens(Reload).Wants("spawn 1, spawn 2");
        story.Boots(2).Wants("prepare 2");
    }

    [Fact]
    public void A_graceful_stop_in_the_middle_ends_the_reload_and_all_workers()
    {
        var story = Reloading(workers: 2).Boots(3).Happens(new StopRequested(StopKind.Graceful));
        Assert.IsType<StoppingNotice>(story.NoticeOf<ReloadFailedNotice>().Cause);
        story.Wants("drain 1 in 30s, drain 2 in 30s, drain 3 in 30s");
        story.Exits(1, 0).Exits(2, 0).Exits(3, 0).Wants("leave 0");
    }

    [Fact]
    public void A_stop_while_it_is_prepared_ends_the_preparation_first()
    {
        var story = Story.WithServing(workers: 1).Happens(Reload).Happens(new StopRequested(StopKind.Quick)).Exits(1, 0);
        story.Wants("prepare 2, cancel the preparation, drain 1 in 0s");
        story.Happens(new PreparationFailed(2, "killed")).Wants("leave 0");
    }

    [Fact]
    public void Scaling_up_meanwhile_is_done_at_once_by_the_generation_in_force()
    {
        var story = Reloading(workers: 1).Happens(new ScaleRequested(2)).Wants("spawn 3").Boots(3);
        story.Boots(2).Passes(0.6).Wants("drain 1 in 30s").Exits(1, 0).Wants("spawn 1 of generation 2");
        story.Boots(1).Passes(0.6).Wants("drain 3 in 30s").Exits(3, 0);
        Assert.Equal((2, 2), (story.State.Target, story.State.Generation));
        Assert.Equal("1 serving, 2 serving", story.Seats());
    }

    [Fact]
    public void Scaling_down_meanwhile_takes_what_would_be_replaced_anyway()
    {
        var story = Reloading(workers: 3).Boots(4).Passes(0.6).Exits(1, 0).Wants("drain 1 in 30s, spawn 1 of generation 2");
        story.Happens(new ScaleRequested(1)).Wants("drain 3 in 30s, drain 2 in 30s");
        story.Spawns(1).Wants("drain 1 in 30s").Exits(2, 0).Exits(3, 0).Exits(1, 0);
        Assert.Equal("4 serving", story.Seats());
        Assert.Equal((2, SupervisorPhase.Running), (story.State.Generation, story.Phase));
    }

    [Fact]
    public void An_old_worker_that_dies_meanwhile_comes_back_as_it_was_and_is_replaced_in_its_turn()
    {
        var story = Reloading(workers: 2).Spawns(3).DiesBySignal(1, 9).Wants("spawn 1");
        Assert.Equal(SupervisorPhase.Reloading, story.Phase);
        story.Boots(1).Happens(new WorkerReady(3)).Passes(0.6).Wants("drain 2 in 30s");
    }

    [Fact]
    public void Of_the_old_ones_those_that_serve_nobody_go_first()
    {
        var story = Reloading(workers: 2).Boots(3).Exits(2, 1).Spawns(2).Exits(2, 1).Wants("spawn 2");
        Assert.Equal("1 serving, 2 backoff, 3 serving", story.Seats());
        story.Passes(0.4).Passes(0.1);
        Assert.Equal("1 serving, 3 serving", story.Seats().Replace(", 2 booting", "", StringComparison.Ordinal));
    }

    [Fact]
    public void A_worker_is_judged_by_the_settings_that_it_was_started_with()
    {
        var slow = new ArbiterSettings { Timeout = TimeSpan.FromSeconds(20) };
        var story = Story.WithServing(workers: 2, slow).Happens(Reload).IsPrepared(new ArbiterSettings { Timeout = TimeSpan.FromSeconds(2) });
        story.Boots(3).Wants("prepare 2, spawn 3 of generation 2").FallsSilent(1).Passes(3).Wants("drain 1 in 30s");
        story.FallsSilent(2).Exits(1, 0).Boots(1).Passes(0.4).WantsWithGates("spawn 1 of generation 2, open 1");
        story.FallsSilent(1).Passes(2.2);
        Assert.Equal(1, story.NoticeOf<WorkerStaleNotice>().Index);
    }

    [Fact]
    public void The_new_settings_are_in_force_once_all_are_replaced()
    {
        var story = Story.WithServing(workers: 1).Happens(Reload).IsPrepared(new ArbiterSettings { Timeout = TimeSpan.FromSeconds(2) }, workers: 2);
        Assert.Equal(2, story.State.Target);
        story.Wants("prepare 2, spawn 2, spawn 3 of generation 2").Boots(2).Boots(3).Passes(0.6).Exits(1, 0).Boots(1).Passes(0.6).Exits(2, 0);
        Assert.Equal(TimeSpan.FromSeconds(2), story.State.Settings.Timeout);
        Assert.Equal((2, 2), (story.State.Target, story.State.Generation));
    }

    private static Story Reloading(int workers) =>
        Story.WithServing(workers).Passes(1).Happens(Reload).IsPrepared().Wants($"prepare 2, spawn {workers + 1} of generation 2");
}
