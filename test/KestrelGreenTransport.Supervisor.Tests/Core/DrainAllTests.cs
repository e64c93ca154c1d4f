using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class DrainAllTests
{
    [Fact]
    public void All_workers_leave_and_the_supervisor_stays()
    {
        var story = Drained();
        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
        story.Passes(600).Happens(new RestartRequested(null)).Happens(new ScaleByRequested(1)).WantsNothing();
        Assert.Equal(3, story.State.Target);
    }

    [Fact]
    public void A_reload_brings_them_back_all_at_once()
    {
        var story = Drained().Happens(new ReloadRequested()).IsPrepared().Wants("prepare 2, spawn 1 of generation 2, spawn 2 of generation 2");
        story.Boots(1);
        Assert.Equal(SupervisorPhase.Reloading, story.Phase);
        story.Boots(2);
        Assert.Equal((SupervisorPhase.Running, new ReloadOutcome(1, 2, null)), (story.Phase, story.State.LastReload));
    }

    [Fact]
    public void If_they_do_not_come_back_at_first_the_reload_has_failed_and_they_are_tried_on()
    {
        var story = Drained().Happens(new ReloadRequested()).IsPrepared().Boots(1).Spawns(2).Exits(2, 1);
        story.NoticeOf<ReloadFailedNotice>();
        story.Wants("prepare 2, spawn 1 of generation 2, spawn 2 of generation 2, spawn 2 of generation 2");
        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
        story.Boots(2);
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void A_stop_leaves_a_drained_house_at_once() => Drained().Happens(new StopRequested(StopKind.Graceful)).Wants("leave 0");

    [Fact]
    public void It_ends_a_reload()
    {
        var story = Story.WithServing(workers: 1).Happens(new ReloadRequested()).IsPrepared().Spawns(2).Happens(new DrainAllRequested());
        story.NoticeOf<ReloadFailedNotice>();
        story.Wants("prepare 2, spawn 2 of generation 2, drain 2 in 30s, drain 1 in 30s");
    }

    [Fact]
    public void One_alone_leaves_at_once_and_another_boots_meanwhile()
    {
        var story = Story.WithServing(workers: 2).Happens(new DrainRequested(2));
        story.NoticeOf<WorkerDrainedNotice>();
        story.Wants("drain 2 in 30s, spawn 3");
        Assert.Equal("1 serving, 2 draining, 3 booting", story.Seats());
        story.Boots(3).Exits(2, 0).WantsNothing();
        Assert.Equal("1 serving, 3 serving", story.Seats());
        Assert.Equal((1, ExitReason.Restart), (story[3].Restarts, story[3].LastExit!.Reason));
    }

    [Fact]
    public void One_that_does_not_serve_and_one_that_a_reload_replaces_anyway_are_left_alone()
    {
        Story.WithServing(workers: 1).Exits(1, 1).Wants("spawn 1").Spawns(1).Happens(new DrainRequested(1)).WantsNothing();
        Story.WithServing(workers: 1).Happens(new ReloadRequested()).IsPrepared().Wants("prepare 2, spawn 2 of generation 2").Happens(new DrainRequested(1)).WantsNothing();
        Story.WithServing(workers: 1).Happens(new DrainRequested(7)).WantsNothing();
    }

    private static Story Drained()
    {
        var story = Story.WithServing(workers: 2).Happens(new DrainAllRequested()).Wants("drain 1 in 30s, drain 2 in 30s");
        story.Exits(1, 0).Exits(2, 0);
        _ = story.News;
        return story;
    }
}
