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
    public void A_worker_that_says_ready_serves_and_its_boot_time_is_told()
    {
        var story = new Story(workers: 1).Happens(new Started()).Spawns(1).Passes(1.5).Happens(new WorkerReady(1));
        Assert.Equal(TimeSpan.FromSeconds(1.5), story.Says<WorkerReadyNotice>().BootTime);
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
        story.Happens(new WorkerReady(1));
        story.Says<WorkerReadyNotice>();
    }

    [Fact]
    public void The_whole_runs_once_the_target_serves()
    {
        var story = new Story(workers: 2).Happens(new Started()).Boots(1);
        Assert.Equal(SupervisorPhase.Starting, story.Phase);
        story.Boots(2);
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }
}
