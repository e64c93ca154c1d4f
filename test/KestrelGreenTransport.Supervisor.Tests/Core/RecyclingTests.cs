using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class RecyclingTests
{
    private static readonly ArbiterSettings Limits = new() { MaxRequests = 100, MaxMemory = 1000 };

    [Theory]
    [InlineData(100, 0, "MaxRequests")]
    [InlineData(99, 1000, "MaxMemory")]
    public void A_worker_that_has_done_or_used_enough_is_replaced_first_and_drained_then(long requests, long memory, string reason)
    {
        var story = Story.WithServing(workers: 2, Limits).Happens(new WorkerMeasured(1, 99, 999)).Passes(1).WantsNothing();
        story.Happens(new WorkerMeasured(1, requests, memory));
        Assert.Equal(reason, story.NoticeOf<WorkerDueNotice>().Reason.ToString());
        story.Wants("spawn 3");
        Assert.Equal("1 serving, 2 serving, 3 booting", story.Seats());
        Assert.Equal(SupervisorPhase.Running, story.Phase);

        story.Boots(3).Passes(0.6).Wants("drain 1 in 30s").Exits(1, 0);
        Assert.Equal(reason, story[3].LastExit!.Reason.ToString());
        Assert.Equal(1, story[3].Restarts);
        Assert.Equal("2 serving, 3 serving", story.Seats());
    }

    [Fact]
    public void A_worker_that_has_lived_long_enough_is_replaced()
    {
        var story = Story.WithServing(workers: 1, new ArbiterSettings { MaxLifetime = TimeSpan.FromMinutes(1) }).Passes(59.9).WantsNothing();
        story.Passes(0.2).Wants("spawn 2").Boots(2).Passes(0.6).Exits(1, 0).Passes(58).Wants("drain 1 in 30s");
        Assert.Equal(ExitReason.MaxLifetime, story[2].LastExit!.Reason);
    }

    [Fact]
    public void Several_that_are_due_together_go_one_after_the_other()
    {
        var story = Story.WithServing(workers: 3, Limits);
        foreach (var index in new[] { 3, 1, 2 })
        {
            story.Passes(0.1).Happens(new WorkerMeasured(index, 100, 0));
        }

        story.Wants("spawn 4").Boots(4).Passes(0.6).Wants("drain 3 in 30s").Passes(10).WantsNothing();
        story.Exits(3, 0).Wants("spawn 3").Boots(3).Passes(0.6).Wants("drain 1 in 30s");
    }

    [Fact]
    public void The_jitter_draws_each_worker_its_own_limit()
    {
        var story = Story.WithServing(workers: 5, new ArbiterSettings { MaxRequests = 1000, MaxRequestsJitter = 500 });
        var limits = story.State.Workers.Values.Select(static worker => worker.RequestsLimit).ToList();
        Assert.All(limits, static limit => Assert.InRange(limit, 1000, 1500));
        Assert.True(limits.Distinct().Count() > 1, string.Join(' ', limits));
    }

    [Fact]
    public void With_one_that_stands_by_it_is_replaced_at_once()
    {
        var story = Story.WithServing(workers: 1, Limits with { Standby = 1 }).Boots(2);
        _ = story.News;
        story.Happens(new WorkerMeasured(1, 100, 0)).WantsWithGates("open 2, drain 1 in 30s");
        story.Passes(0.1).Wants("spawn 3").Exits(1, 0);
        Assert.Equal("2 serving, 3 booting", story.Seats());
        Assert.Equal((1, ExitReason.MaxRequests), (story[2].Restarts, story[2].LastExit!.Reason));
    }

    [Fact]
    public void A_replacement_that_does_not_come_up_is_tried_again_while_the_old_one_serves_on()
    {
        var story = Story.WithServing(workers: 1, Limits).Happens(new WorkerMeasured(1, 100, 0)).Spawns(2).Exits(2, 1).Wants("spawn 2, spawn 2");
        story.Spawns(2).Exits(2, 1).Passes(1).Wants("spawn 2").Boots(2).Passes(0.6).Wants("drain 1 in 30s");
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void A_worker_that_dies_before_its_replacement_is_there_has_no_second_one()
    {
        var story = Story.WithServing(workers: 1, Limits).Happens(new WorkerMeasured(1, 100, 0)).Spawns(2).Wants("spawn 2");
        story.DiesBySignal(1, 9).WantsNothing();
        Assert.Equal("2 booting", story.Seats());
        story.Happens(new WorkerReady(2)).WantsWithGates("open 2").Passes(5).WantsNothing();
        Assert.Equal((1, ExitReason.Crash), (story[2].Restarts, story[2].LastExit!.Reason));
    }

    [Fact]
    public void Nobody_is_recycled_while_a_place_is_empty()
    {
        var story = Story.WithServing(workers: 2, Limits).Exits(1, 1).Happens(new WorkerMeasured(2, 100, 0)).Wants("spawn 1");
        story.Boots(1).Wants("spawn 3");
    }

    [Fact]
    public void A_restart_replaces_each_worker_of_its_generation_in_turn()
    {
        var story = Story.WithServing(workers: 2).Happens(new RestartRequested(null)).Wants("spawn 3");
        story.Boots(3).Passes(0.6).Exits(1, 0).Wants("drain 1 in 30s, spawn 1").Boots(1).Passes(0.6).Exits(2, 0).Wants("drain 2 in 30s");
        Assert.Equal((1, ExitReason.Restart), (story.State.Generation, story[1].LastExit!.Reason));
        story.Passes(60).WantsNothing();
    }

    [Fact]
    public void A_restart_of_one_replaces_that_one_and_a_seat_in_backoff_has_waited_enough()
    {
        Story.WithServing(workers: 2).Happens(new RestartRequested(2)).Boots(3).Passes(0.6).Wants("spawn 3, drain 2 in 30s");

        var story = Story.WithServing(workers: 2).Exits(2, 1).Spawns(2).Exits(2, 1).Wants("spawn 2");
        story.Happens(new RestartRequested(2)).Wants("spawn 2");
    }

    [Fact]
    public void A_replacement_that_is_not_needed_any_more_leaves()
    {
        var story = Story.WithServing(workers: 2).Happens(new RestartRequested(2)).Spawns(3).Happens(new ScaleRequested(1)).Wants("spawn 3, drain 2 in 30s, drain 3 in 30s");
        story.Exits(2, 0).Exits(3, 0);
        Assert.Equal("1 serving", story.Seats());
    }

    [Fact]
    public void A_reload_does_not_wait_for_a_replacement_that_comes_too_late()
    {
        var story = Story.WithServing(workers: 1).Happens(new RestartRequested(null)).Spawns(2).Happens(new ReloadRequested()).IsPrepared();
        story.Wants("spawn 2, prepare 2, drain 2 in 30s, spawn 3 of generation 2");
    }
}
