using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class StandbyTests
{
    private static readonly ArbiterSettings OneStandby = new() { Standby = 1, Timeout = TimeSpan.FromSeconds(3) };

    [Fact]
    public void Those_that_stand_by_are_made_once_all_places_are_taken()
    {
        var story = new Story(workers: 2, OneStandby).Happens(new Started()).Boots(1).Wants("spawn 1, spawn 2");
        story.Boots(2).WantsWithGates("open 2, spawn 3");
        Assert.Equal(SupervisorPhase.Running, story.Phase);

        story.Boots(3).WantsWithGates("");
        Assert.Equal("1 serving, 2 serving, 3 standby", story.Seats());
        story.Passes(600).WantsNothing();
    }

    [Fact]
    public void When_a_worker_dies_the_gate_of_the_one_that_stands_by_opens_in_the_same_step()
    {
        var story = WithStandby().DiesBySignal(1, 9);
        Assert.Equal(3, story.NoticeOf<WorkerTakesOverNotice>().Index);
        story.WantsWithGates("spawn 1, open 3");
        Assert.Equal("1 booting, 2 serving, 3 serving", story.Seats());
        Assert.Equal(SupervisorPhase.Running, story.Phase);

        story.Boots(1).WantsWithGates("");
        Assert.Equal("1 standby, 2 serving, 3 serving", story.Seats());
        Assert.Equal(1, story[1].Restarts);
    }

    [Fact]
    public void When_a_worker_hangs_the_gate_opens_at_the_verdict()
    {
        WithStandby().FallsSilent(2).Passes(3.1).WantsWithGates("abort 2, spawn 4, open 3");
        WithStandby().Beats(2, WorkerState.Draining).WantsWithGates("spawn 4, open 3");
    }

    [Fact]
    public void One_that_becomes_ready_takes_the_place_of_whoever_is_not()
    {
        var story = WithStandby().DiesBySignal(1, 9).DiesBySignal(2, 9).WantsWithGates("spawn 1, open 3, spawn 2");
        story.Spawns(2).Boots(1).WantsWithGates("open 1");
        story.Happens(new WorkerReady(2)).WantsWithGates("");
        Assert.Equal("1 serving, 2 standby, 3 serving", story.Seats());
    }

    [Fact]
    public void One_that_hangs_while_it_stands_by_is_replaced()
    {
        var story = WithStandby().FallsSilent(3).Passes(3.1).WantsWithGates("abort 3, spawn 4");
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void Scaling_up_opens_its_gate_and_another_one_is_made()
    {
        var story = WithStandby().Happens(new ScaleRequested(3)).WantsWithGates("spawn 4, open 3");
        Assert.Equal(SupervisorPhase.Running, story.Phase);
        story.Boots(4);
        Assert.Equal("1 serving, 2 serving, 3 serving, 4 standby", story.Seats());
    }

    [Fact]
    public void Scaling_down_leaves_it_alone()
    {
        var story = WithStandby().Happens(new ScaleRequested(1)).Wants("drain 2 in 30s").Exits(2, 0);
        Assert.Equal("1 serving, 3 standby", story.Seats());
    }

    [Fact]
    public void After_a_reload_those_of_the_old_generation_are_replaced_too()
    {
        var story = new Story(workers: 1, OneStandby).Happens(new Started()).Boots(1).Boots(2).Happens(new ReloadRequested()).IsPrepared();
        story.Wants("spawn 1, spawn 2, prepare 2, spawn 3 of generation 2").Boots(3).Passes(0.6).Exits(1, 0).Passes(0.1);
        story.Wants("drain 1 in 30s, drain 2 in 30s, spawn 1 of generation 2");
        story.Exits(2, 0).Boots(1);
        Assert.Equal("1 standby, 3 serving", story.Seats());
    }

    [Fact]
    public void One_of_the_old_generation_that_had_to_take_over_when_all_others_were_replaced_is_replaced_as_soon_as_can_be()
    {
        var story = new Story(workers: 1, OneStandby).Happens(new Started()).Boots(1).Boots(2).Happens(new ReloadRequested()).IsPrepared();
        story.Boots(3).Passes(0.6).Exits(1, 0);
        story.NoticeOf<ReloadedNotice>();
        _ = story.News;

        story.DiesBySignal(3, 11).WantsWithGates("spawn 1 of generation 2, open 2, spawn 3 of generation 2");
        story.Boots(3).Passes(0.6).WantsWithGates("open 3, drain 2 in 30s");
        story.Exits(2, 0).Boots(1).Passes(60);
        Assert.Equal("1 standby, 3 serving", story.Seats());
    }

    [Fact]
    public void Fewer_stand_by_when_the_settings_say_so()
    {
        var story = WithStandby().Happens(new ReloadRequested()).IsPrepared(new ArbiterSettings());
        story.Boots(4).Passes(0.6).Exits(1, 0).Boots(1).Passes(0.6).Exits(2, 0).Passes(0.1).Exits(3, 0);
        Assert.Equal("1 serving, 4 serving", story.Seats());
    }

    [Fact]
    public void A_gate_that_stayed_closed_is_opened_again()
    {
        var story = Story.WithServing(workers: 1).Beats(1, WorkerState.Standby);
        story.WantsWithGates("open 1");
    }

    [Fact]
    public void Everybody_is_told_when_one_was_reaped()
    {
        Assert.Contains(new TellSiblings(1), WithStandby().Exits(1, 1).News);
        Assert.DoesNotContain(new TellSiblings(1), WithStandby().Happens(new StopRequested(StopKind.Graceful)).Exits(1, 0).News);
    }

    private static Story WithStandby()
    {
        var story = Story.WithServing(workers: 2, OneStandby).Boots(3).Passes(1);
        _ = story.News;
        return story;
    }
}
