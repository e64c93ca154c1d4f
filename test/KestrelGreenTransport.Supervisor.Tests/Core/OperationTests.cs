using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

/// <summary>When what a client asked for is over, and how. The random stories ask for all of it in any order.</summary>
public class OperationTests
{
    [Fact]
    public void A_reload_and_one_that_comes_during_it_are_each_answered_for_themselves()
    {
        var story = Story.WithServing(workers: 1).Asks(1, new ReloadRequested()).Asks(2, new ReloadRequested()).Asks(3, new ReloadRequested());
        story.IsPrepared().Boots(2).Passes(0.6).Ends("");
        story.Exits(1, 0).Ends("1 Succeeded");
        story.Happens(new PreparationFailed(3, "no such app")).Ends("2 Failed, 3 Failed");
    }

    [Fact]
    public void A_reload_that_fails_says_why()
    {
        var story = Story.WithServing(workers: 1).Asks(1, new ReloadRequested()).IsPrepared().Spawns(2).Exits(2, 3);
        Assert.Equal(3, Assert.IsType<WorkerDiedNotice>(story.EndOf(1).Cause).Exit.Status.Code);
    }

    [Fact]
    public void A_stop_overtakes_whatever_is_under_way_and_what_comes_after_it()
    {
        var story = Story.WithServing(workers: 2)
            .Asks(1, new RestartRequested(null)).Asks(2, new ScaleRequested(3)).Asks(3, new UpgradeRequested()).Asks(4, new ReloadRequested()).Asks(5, new DrainRequested(1));
        story.Ends("5 Failed").Happens(new StopRequested(StopKind.Graceful)).Ends("1 Superseded, 2 Superseded, 3 Superseded, 4 Superseded");
        story.Asks(6, new ReloadRequested()).Asks(7, new DrainRequested(1)).Asks(8, new RestartRequested(9)).Ends("6 Superseded, 7 Superseded, 8 Superseded");
    }

    [Fact]
    public void A_restart_is_over_when_the_old_workers_have_left()
    {
        var story = Story.WithServing(workers: 2).Asks(1, new RestartRequested(1)).Boots(3).Passes(0.6).Ends("");
        story.Exits(1, 0);
        Assert.Equal((OperationOutcome.Succeeded, 1), (story.EndOf(1).Outcome, story.EndOf(1).Left));
    }

    [Fact]
    public void A_worker_that_is_not_there_or_still_boots_is_not_restarted_and_one_in_backoff_is_started_at_once()
    {
        var story = Story.WithServing(workers: 1).Exits(1, 1).Asks(1, new RestartRequested(1)).Asks(2, new RestartRequested(7)).Ends("1 Refused, 2 Refused");
        story.Spawns(1).Exits(1, 1);
        Assert.Equal("1 backoff", story.Seats());
        _ = story.News;
        story.Asks(3, new RestartRequested(1)).Wants("spawn 1").Boots(1).Ends("3 Succeeded");
    }

    [Fact]
    public void A_restart_whose_new_worker_does_not_start_has_failed_and_is_tried_on()
    {
        var story = Story.WithServing(workers: 1).Asks(1, new RestartRequested(1)).Spawns(2).Exits(2, 134);
        Assert.Equal((OperationOutcome.Failed, 2), (story.EndOf(1).Outcome, ((WorkerDiedNotice)story.EndOf(1).Cause!).Index));
        story.Wants("spawn 2, spawn 2").Boots(2).Passes(0.6).Wants("drain 1 in 30s").Exits(1, 0).Ends("");
    }

    [Fact]
    public void A_restart_during_a_reload_is_over_with_it()
    {
        var story = Story.WithServing(workers: 1).Happens(new ReloadRequested()).IsPrepared().Asks(1, new RestartRequested(1)).Boots(2).Passes(0.6).Ends("");
        story.Exits(1, 0).Ends("1 Succeeded");
    }

    [Fact]
    public void Scaling_is_over_when_all_serve_and_those_that_are_too_many_have_left()
    {
        var story = Story.WithServing(workers: 1).Asks(1, new ScaleRequested(2)).Ends("").Boots(2).Ends("1 Succeeded");
        story.Asks(2, new ScaleRequested(1)).Ends("").Exits(2, 0).Ends("2 Succeeded");
        story.Asks(3, new ScaleRequested(1)).Ends("3 Succeeded");
    }

    [Fact]
    public void Scaling_is_overtaken_by_another_number_and_fails_with_a_worker_that_does_not_start()
    {
        var story = Story.WithServing(workers: 1).Asks(1, new ScaleRequested(2)).Asks(2, new ScaleRequested(3)).Ends("1 Superseded");
        story.Happens(new WorkerSpawnFailed(2, "EAGAIN"));
        Assert.Equal("EAGAIN", Assert.IsType<SpawnFailedNotice>(story.EndOf(2).Cause).Error);
        story.Asks(3, new ScaleRequested(2)).Happens(new ScaleByRequested(1)).Ends("2 Failed, 3 Superseded");
    }

    [Fact]
    public void A_serving_worker_that_dies_does_not_fail_what_others_wait_for()
    {
        var story = Story.WithServing(workers: 2).Asks(1, new ScaleRequested(3)).DiesBySignal(1, 9).Boots(1).Ends("").Boots(3).Ends("1 Succeeded");
        Assert.Empty(story.State.Operations);
    }

    [Fact]
    public void A_drain_is_over_when_that_process_is_gone_and_only_a_worker_in_service_can_be_drained()
    {
        var story = Story.WithServing(workers: 2).Asks(1, new DrainRequested(2)).Asks(2, new DrainRequested(2)).Asks(3, new DrainRequested(7)).Ends("2 Refused, 3 Refused");
        story.Boots(3).Exits(2, 0).Ends("1 Succeeded");
        Story.WithServing(workers: 1).Happens(new ReloadRequested()).Asks(1, new DrainRequested(1)).Ends("1 Failed");
    }

    [Fact]
    public void A_drain_of_all_overtakes_the_rest_and_a_reload_overtakes_it()
    {
        var story = Story.WithServing(workers: 2).Asks(1, new ReloadRequested()).IsPrepared().Asks(2, new RestartRequested(null)).Asks(3, new ScaleRequested(3));
        story.Asks(4, new DrainAllRequested()).Ends("1 Superseded, 2 Superseded, 3 Superseded");
        story.Asks(5, new ScaleRequested(1)).Ends("5 Superseded").Happens(new ReloadRequested()).IsPrepared().Ends("4 Superseded");

        story = Story.WithServing(workers: 1).Asks(1, new DrainAllRequested()).Asks(2, new DrainAllRequested()).Ends("");
        story.Exits(1, 0).Ends("1 Succeeded, 2 Succeeded");
    }

    [Fact]
    public void Clients_that_ask_for_an_upgrade_share_it_and_a_successor_takes_over_what_others_wait_for()
    {
        var story = Story.WithServing(workers: 1).Asks(1, new UpgradeRequested()).Asks(2, new UpgradeRequested()).Happens(new UpgradeEnded("it exited with code 2"));
        story.Ends("1 Failed, 2 Failed");
        story.Asks(3, new UpgradeRequested()).Asks(4, new ReloadRequested()).Happens(new UpgradeEnded(null)).Ends("3 Succeeded, 4 Superseded");

        // Taken while this supervisor still answers.
        story.Asks(5, new ScaleRequested(2)).Ends("5 Superseded");
    }
}
