using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class SupervisorPauseTests
{
    private static readonly ArbiterSettings ShortTimeout = new() { Timeout = TimeSpan.FromSeconds(5), BootTimeout = TimeSpan.FromSeconds(10) };

    [Fact]
    public void Nobody_is_killed_for_the_supervisors_own_absence_even_when_a_tick_comes_first()
    {
        var story = Story.WithServing(workers: 2, ShortTimeout).Passes(10).SupervisorSleeps(3600).Happens(new Tick());
        Assert.Equal(TimeSpan.FromHours(1), story.NoticeOf<SupervisorPausedNotice>().Gap);
        story.WantsNothing().Passes(10).WantsNothing();
    }

    [Fact]
    public void After_a_pause_a_silent_worker_gets_one_whole_fresh_window()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(4.9).SupervisorSleeps(60).Happens(new Tick());
        story.Passes(5).WantsNothing();
        story.Passes(0.1).Wants("abort 1, spawn 2");
    }

    [Fact]
    public void A_pause_does_not_use_up_the_boot_timeout()
    {
        var story = new Story(workers: 1, ShortTimeout).Happens(new Started()).Spawns(1).Passes(6).SupervisorSleeps(60).Happens(new Tick());
        story.Wants("spawn 1").Passes(3.9).WantsNothing();
        story.Passes(0.1).Wants("abort 1");
    }

    [Fact]
    public void A_pause_does_not_use_up_the_grace_of_a_stop()
    {
        var story = Story.WithServing(workers: 1).Happens(new StopRequested(StopKind.Graceful)).Passes(20).SupervisorSleeps(600).Happens(new Tick());
        story.Wants("drain 1 in 30s").Passes(19.9).WantsNothing();
        story.Passes(0.1).Wants("kill 1");
    }

    [Fact]
    public void A_pause_does_not_use_up_the_time_for_stacks()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(5.1).Boots(2).SupervisorSleeps(60).Happens(new Tick());
        story.Wants("abort 1, spawn 2").Passes(2.9).WantsNothing();
        story.Passes(0.1).Wants("kill 1");
    }

    [Fact]
    public void A_backoff_that_ended_during_the_pause_is_over()
    {
        var story = Story.WithServing(workers: 1).Exits(1, 1).Spawns(1).Exits(1, 1).Wants("spawn 1");
        story.SupervisorSleeps(60).Happens(new Tick()).Wants("spawn 1");
    }

    [Fact]
    public void A_gap_that_is_shorter_than_the_threshold_is_no_pause()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).Passes(1).SupervisorSleeps(1.9).Happens(new Tick());
        Assert.Empty(story.News);
    }

    [Theory]
    [InlineData(0.2, 0.3)]
    [InlineData(1, 0.5)]
    [InlineData(4, 2)]
    [InlineData(30, 2)]
    public void A_short_timeout_makes_a_shorter_gap_count_as_a_pause(double timeout, double threshold) =>
        Assert.Equal(TimeSpan.FromSeconds(threshold), new ArbiterSettings { Timeout = TimeSpan.FromSeconds(timeout) }.PauseThreshold);
}
