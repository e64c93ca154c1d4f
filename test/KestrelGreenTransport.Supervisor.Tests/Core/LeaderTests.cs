using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class LeaderTests
{
    private static readonly ArbiterSettings ShortTimeout = new() { Timeout = TimeSpan.FromSeconds(3) };

    [Fact]
    public void The_first_that_serves_leads_and_stays_the_only_one()
    {
        var story = new Story(workers: 2).Happens(new Started()).Spawns(1).Boots(2).Appoints("2 leads");
        story.Happens(new WorkerSaidHello(1)).Happens(new WorkerReady(1)).Passes(60).Appoints("");
        Assert.Equal(new Leader(2, 1002, IsDismissed: false), story.State.Leader);
    }

    [Fact]
    public void When_the_leader_dies_another_leads_at_once()
    {
        var story = Story.WithServing(workers: 2).DiesBySignal(1, 9).Appoints("2 leads");
        story.Boots(1).Appoints("");
    }

    [Fact]
    public void A_leader_that_drains_is_dismissed_and_nobody_leads_before_it_has_let_go()
    {
        var story = Story.WithServing(workers: 2).Happens(new WorkerBeat(1, 0, WorkerState.Draining)).Appoints("1 does not");
        story.Passes(20).Appoints("");
        story.Happens(new WorkerResigned(1)).Appoints("2 leads");
        story.Exits(1, 0).Appoints("");
    }

    [Fact]
    public void A_leader_that_resigns_by_itself_is_not_appointed_again()
    {
        // It has begun to leave, but its heartbeat does not say so yet.
        var story = Story.WithServing(workers: 2).Happens(new WorkerResigned(1)).Appoints("2 leads");
        story.DiesBySignal(2, 9).Appoints("");
        story.Boots(2).Appoints("2 leads");
    }

    [Fact]
    public void A_hung_leader_leads_until_it_is_reaped()
    {
        var story = Story.WithServing(workers: 2, ShortTimeout).FallsSilent(1).Passes(3.1).Appoints("1 does not");
        story.Boots(3).Happens(new WorkerAbortFinished(1)).Passes(5).Appoints("");
        story.DiesBySignal(1, 9).Appoints("2 leads");
    }

    [Fact]
    public void The_resignation_of_somebody_else_changes_nothing()
    {
        var story = Story.WithServing(workers: 2).Happens(new WorkerResigned(2)).Appoints("");
        Assert.Equal(1, story.State.Leader!.Index);
        story.DiesBySignal(1, 9).Appoints("");
    }

    [Fact]
    public void Nobody_is_appointed_while_all_stop()
    {
        var story = Story.WithServing(workers: 2).Happens(new StopRequested(StopKind.Graceful)).Appoints("1 does not");
        story.Happens(new WorkerResigned(1)).Exits(1, 0).Appoints("");
    }

    [Fact]
    public void A_supervisor_that_takes_over_appoints_nobody_before_the_lead_is_given_to_it()
    {
        var story = new Story(workers: 2, hasLead: false).Happens(new Started()).Boots(1).Boots(2).Passes(60).Appoints("");
        story.Happens(new LeadGiven()).Appoints("1 leads");
        story.Happens(new LeadGiven()).Passes(60).Appoints("");
    }

    [Fact]
    public void A_worker_that_cannot_be_told_does_not_lead()
    {
        var story = new Story(workers: 1).Happens(new Started()).Spawns(1).Beats(1).Appoints("");
        Assert.Equal("1 serving", story.Seats());
    }
}
