using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class LaunchTests
{
    [Fact]
    public void At_the_start_all_workers_are_spawned_at_once_from_index_1_on()
    {
        var story = new Story(workers: 3).Happens(new Started());
        story.Wants("spawn 1, spawn 2, spawn 3");
        Assert.Equal(SupervisorPhase.Starting, story.Phase);
        Assert.All(story.State.Workers.Values, worker => Assert.Equal(1, worker.Generation));
    }

    [Fact]
    public void A_second_start_changes_nothing()
    {
        var story = Story.WithServing(workers: 2).Happens(new Started());
        story.WantsNothing();
    }

    [Fact]
    public void A_worker_that_says_ready_serves_and_its_boot_time_is_told()
    {
        var story = new Story(workers: 1).Happens(new Started()).Spawns(1).Passes(1.5).Happens(new WorkerReady(1));
        Assert.Equal(TimeSpan.FromSeconds(1.5), story.NoticeOf<WorkerReadyNotice>().BootTime);
        Assert.Equal(WorkerPhase.Serving, story[1].Phase);
        Assert.Equal(story.Now, story[1].ServingSince);
        Assert.Null(story[1].Deadline);
    }

    [Fact]
    public void A_serving_beat_counts_as_ready_for_a_worker_without_a_lifeline()
    {
        var story = new Story(workers: 1).Happens(new Started()).Spawns(1);
        story.Beats(1, WorkerState.Booting);
        Assert.Equal("1 booting", story.Seats());
        story.Beats(1, WorkerState.Serving);
        Assert.Equal("1 serving", story.Seats());
    }

    [Fact]
    public void A_worker_becomes_ready_once_no_matter_how_often_it_says_so()
    {
        var story = new Story(workers: 1).Happens(new Started()).Boots(1);
        var since = story[1].ServingSince;
        story.Passes(1).Happens(new WorkerReady(1)).Beats(1);
        Assert.Equal(since, story[1].ServingSince);
        story.NoticeOf<WorkerReadyNotice>();
    }

    [Fact]
    public void The_whole_runs_once_the_target_serves()
    {
        var story = new Story(workers: 2).Happens(new Started()).Boots(1);
        Assert.Equal(SupervisorPhase.Starting, story.Phase);
        story.Boots(2);
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void The_whole_is_degraded_from_the_first_failure_until_the_target_serves()
    {
        var story = new Story(workers: 2).Happens(new Started()).Boots(1).Spawns(2).Exits(2, 1);
        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
        story.Boots(2);
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void Hello_is_remembered_of_the_worker_and_of_the_whole()
    {
        var story = new Story(workers: 2).Happens(new Started()).Spawns(1).Spawns(2).Happens(new WorkerSaidHello(2));
        Assert.False(story[1].SaidHello);
        Assert.True(story[2].SaidHello);
        Assert.True(story.State.EverHello);
    }

    [Fact]
    public void A_spawn_that_fails_is_tried_again_after_a_pause()
    {
        var story = Story.WithServing(workers: 1);
        story.DiesBySignal(1, 9).Wants("spawn 1");
        story.Happens(new WorkerSpawnFailed(1, "EAGAIN"));
        var notice = story.NoticeOf<SpawnFailedNotice>();
        Assert.Equal("EAGAIN", notice.Error);
        Assert.InRange(notice.RetryIn!.Value.TotalSeconds, 0.45, 0.55);
        story.WantsNothing();
        Assert.Equal("1 backoff", story.Seats());
        Assert.Null(story[1].Pid);

        story.Passes(0.7).Wants("spawn 1");
        Assert.Equal(1, story[1].Restarts);
        Assert.Equal(ExitReason.Crash, story[1].LastExit!.Reason);
    }

    [Fact]
    public void A_late_answer_to_a_spawn_that_failed_is_ignored()
    {
        var story = Story.WithServing(workers: 1).Exits(1, 1).Happens(new WorkerSpawnFailed(1, "EAGAIN"));
        story.Happens(new WorkerSpawned(1, 4711)).Happens(new WorkerSpawnFailed(1, "EAGAIN"));
        Assert.Equal("1 backoff", story.Seats());
        Assert.Null(story[1].Pid);
        Assert.Equal(2, story[1].FailuresInARow);
    }

    [Fact]
    public void Facts_about_workers_that_are_not_there_are_ignored()
    {
        var story = Story.WithServing(workers: 1);
        var before = story.State;
        story
            .Happens(new WorkerSpawned(1, 4711)).Happens(new WorkerSpawned(7, 4711)).Happens(new WorkerSpawnFailed(7, "?"))
            .Happens(new WorkerSaidHello(7)).Happens(new WorkerReady(7)).Happens(new WorkerBeat(7, story.Now, WorkerState.Serving))
            .Happens(new WorkerFailedToStart(7, 4, "?")).Happens(new WorkerListensByItself(7, "?"))
            .Happens(new WorkerAbortFinished(7)).Happens(new WorkerAbortFinished(1)).Exits(7, 0);
        Assert.Equal(before, story.State);
        Assert.Empty(story.News);
    }
}
