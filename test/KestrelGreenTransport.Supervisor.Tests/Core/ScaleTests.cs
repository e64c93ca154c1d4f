using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class ScaleTests
{
    [Fact]
    public void Scaling_up_spawns_what_is_missing()
    {
        var story = Story.WithServing(workers: 1).Happens(new ScaleRequested(3));
        Assert.Equal(new ScalingNotice(1, 3), story.NoticeOf<ScalingNotice>());
        story.Wants("spawn 2, spawn 3");
        Assert.Equal(3, story.State.Target);
    }

    [Fact]
    public void Scaling_down_drains_the_youngest_and_does_not_replace_it()
    {
        var story = Story.WithServing(workers: 3).Passes(60).Exits(1, 1).Boots(1).Wants("spawn 1");
        story.Happens(new ScaleRequested(2)).Wants("drain 1 in 30s");
        story.Exits(1, 0).Passes(5).WantsNothing();
        Assert.Equal("2 serving, 3 serving", story.Seats());
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void Of_workers_of_the_same_age_the_highest_index_leaves_first() =>
        Story.WithServing(workers: 3).Happens(new ScaleRequested(1)).Wants("drain 3 in 30s, drain 2 in 30s");

    [Fact]
    public void Scaling_down_takes_empty_seats_first_then_those_that_boot()
    {
        var story = Story.WithServing(workers: 2).Exits(1, 1).Spawns(1).Exits(1, 1).Happens(new ScaleRequested(3)).Spawns(3);
        Assert.Equal("1 backoff, 2 serving, 3 booting", story.Seats());
        _ = story.News;

        story.Happens(new ScaleRequested(2)).WantsNothing();
        Assert.Equal("2 serving, 3 booting", story.Seats());
        story.Happens(new ScaleRequested(1)).Wants("drain 3 in 30s");
    }

    [Fact]
    public void A_worker_that_is_still_being_made_leaves_as_soon_as_it_is_there()
    {
        var story = Story.WithServing(workers: 1).Happens(new ScaleRequested(2)).Happens(new ScaleRequested(1)).Wants("spawn 2");
        story.Spawns(2).Wants("drain 2 in 30s").Happens(new WorkerReady(2));
        Assert.Equal("1 serving, 2 draining", story.Seats());
    }

    [Fact]
    public void A_leaving_worker_does_not_come_back_when_more_are_wanted_again()
    {
        var story = Story.WithServing(workers: 2).Happens(new ScaleRequested(1)).Wants("drain 2 in 30s");
        story.Happens(new ScaleRequested(2)).Wants("spawn 3");
        Assert.Equal("1 serving, 2 draining, 3 booting", story.Seats());
    }

    [Fact]
    public void One_more_and_one_fewer_never_go_below_one()
    {
        var story = Story.WithServing(workers: 1).Happens(new ScaleByRequested(1)).Wants("spawn 2");
        story.Happens(new ScaleByRequested(-1)).Happens(new ScaleByRequested(-1)).WantsNothing();
        Assert.Equal(1, story.State.Target);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-5, 1)]
    [InlineData(int.MaxValue, 1024)]
    public void A_number_out_of_range_is_brought_into_it(int asked, int target) =>
        Assert.Equal(target, Story.WithServing(workers: 2).Happens(new ScaleRequested(asked)).State.Target);

    [Fact]
    public void Scaling_to_what_is_there_changes_nothing_and_says_nothing() =>
        Assert.Empty(Story.WithServing(workers: 2).Happens(new ScaleRequested(2)).News);

    [Fact]
    public void The_whole_is_degraded_until_the_added_workers_serve()
    {
        var story = Story.WithServing(workers: 1).Happens(new ScaleRequested(2));
        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
        story.Boots(2);
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void Scaling_before_the_start_only_changes_how_many_are_started() =>
        new Story(workers: 1).Happens(new ScaleRequested(2)).Happens(new Started()).Wants("spawn 1, spawn 2");

    [Fact]
    public void The_replacement_of_a_stale_worker_may_be_scaled_away()
    {
        var settings = new ArbiterSettings { Timeout = TimeSpan.FromSeconds(3) };
        var story = Story.WithServing(workers: 2, settings).FallsSilent(2).Passes(3.1).Wants("abort 2, spawn 3");
        story.Happens(new ScaleRequested(1)).Spawns(3).Wants("drain 3 in 30s");
        story.DiesBySignal(2, 6).Exits(3, 0).Passes(5).WantsNothing();
        Assert.Equal("1 serving", story.Seats());
    }
}
