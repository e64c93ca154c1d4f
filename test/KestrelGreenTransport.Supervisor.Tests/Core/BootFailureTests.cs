using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class BootFailureTests
{
    private static readonly ArbiterSettings ShortBoot = new() { BootTimeout = TimeSpan.FromSeconds(5) };

    [Fact]
    public void A_worker_that_hangs_at_boot_is_ended_for_that_reason_and_replaced_after_a_pause()
    {
        var story = new Story(workers: 2, ShortBoot).Happens(new Started()).Boots(1).Spawns(2).Passes(4.9);
        story.Wants("spawn 1, spawn 2");

        story.Passes(0.1);
        var notice = story.NoticeOf<WorkerBootTimeoutNotice>();
        Assert.Equal((2, TimeSpan.FromSeconds(5)), (notice.Index, notice.BootTimeout));
        Assert.InRange(notice.RestartIn!.Value.TotalSeconds, 0.45, 0.55);
        story.Wants("abort 2");
        Assert.Equal("1 serving, 2 suspect, 3 backoff", story.Seats());

        story.Passes(1).Wants("spawn 3");
        story.Boots(3).Passes(2).Wants("kill 2");
        story.DiesBySignal(2, 9);
        Assert.Equal(ExitReason.BootTimeout, story[3].LastExit!.Reason);
        Assert.Equal((1, 1), (story[3].Restarts, story[3].FailuresInARow));
        Assert.Equal("1 serving, 3 serving", story.Seats());
    }

    [Fact]
    public void When_every_worker_failed_three_times_and_none_ever_served_the_supervisor_gives_up_with_code_3()
    {
        var story = new Story(workers: 2).Happens(new Started());
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            story.Spawns(1).Exits(1, 134).Passes(1);
        }

        story.Spawns(2).Exits(2, 134).Spawns(2).Exits(2, 134).Passes(0.6).Spawns(1).Spawns(2);
        Assert.Equal("1 booting, 2 booting", story.Seats());
        _ = story.News;

        story.Exits(2, 134);
        var notice = story.NoticeOf<BootFailureNotice>();
        Assert.Equal((2, false), (notice.Index, notice.AnyHello));
        Assert.Null(story.NoticeOf<WorkerDiedNotice>().RestartIn);
        Assert.Equal(SupervisorPhase.Stopping, story.Phase);
        story.Wants("kill 1");
        story.DiesBySignal(1, 9).Wants("leave 3");
        Assert.Equal(SupervisorPhase.Stopped, story.Phase);
    }

    [Fact]
    public void A_boot_failure_says_whether_any_worker_ever_said_hello()
    {
        var story = new Story(workers: 1).Happens(new Started()).Spawns(1).Happens(new WorkerSaidHello(1)).Exits(1, 1);
        story.Spawns(1).Exits(1, 1).Passes(1).Spawns(1).Exits(1, 1);
        Assert.True(story.NoticeOf<BootFailureNotice>().AnyHello);
        story.Wants("spawn 1, spawn 1, spawn 1, leave 3");
    }

    [Fact]
    public void When_every_worker_hangs_at_boot_once_the_supervisor_gives_up_and_lets_them_write_their_stacks()
    {
        var story = new Story(workers: 2, ShortBoot).Happens(new Started()).Spawns(1).Spawns(2).Passes(5);
        story.NoticeOf<BootFailureNotice>();
        story.Wants("spawn 1, spawn 2, abort 1, abort 2");
        Assert.Equal("1 suspect, 2 suspect", story.Seats());
        story.Happens(new WorkerAbortFinished(1)).Passes(3).Wants("kill 1, kill 2");
        story.DiesBySignal(1, 9).DiesBySignal(2, 9).Wants("leave 3");
    }

    [Fact]
    public void One_hangs_and_the_other_crashes_is_a_boot_failure_too()
    {
        var story = new Story(workers: 2, ShortBoot).Happens(new Started()).Spawns(1).Spawns(2);
        story.Exits(2, 1).Spawns(2).Exits(2, 1).Passes(1).Spawns(2).Exits(2, 1).Passes(4);
        story.NoticeOf<BootFailureNotice>();
        Assert.Equal(SupervisorPhase.Stopping, story.Phase);
    }

    [Fact]
    public void A_seat_that_hung_once_counts_as_failed_even_if_its_next_process_crashes()
    {
        var story = new Story(workers: 2, ShortBoot).Happens(new Started()).Spawns(2).Passes(6).Spawns(3).Exits(3, 1);
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            story.Happens(new WorkerSpawnFailed(1, "EAGAIN")).Passes(1);
        }

        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
        story.Happens(new WorkerSpawnFailed(1, "EAGAIN"));
        story.NoticeOf<BootFailureNotice>();
    }

    [Fact]
    public void While_one_worker_still_boots_for_the_first_time_nothing_is_given_up()
    {
        var story = new Story(workers: 2).Happens(new Started()).Spawns(1);
        for (var attempt = 1; attempt <= 6; attempt++)
        {
            story.Spawns(2).Exits(2, 1).Passes(5);
        }

        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
        story.Happens(new WorkerReady(1)).Spawns(2).Exits(2, 1).Passes(20).Spawns(2).Happens(new WorkerReady(2));
        Assert.Equal(SupervisorPhase.Running, story.Phase);
    }

    [Fact]
    public void Spawns_that_fail_count_as_failures()
    {
        var story = new Story(workers: 1).Happens(new Started());
        story.Happens(new WorkerSpawnFailed(1, "ENOENT")).Passes(1).Happens(new WorkerSpawnFailed(1, "ENOENT")).Passes(1);
        Assert.Equal(0, story[1].Restarts);
        _ = story.News;

        story.Happens(new WorkerSpawnFailed(1, "ENOENT"));
        Assert.Null(story.NoticeOf<SpawnFailedNotice>().RetryIn);
        story.NoticeOf<BootFailureNotice>();
        story.Wants("leave 3");
    }

    [Fact]
    public void A_process_that_was_still_being_made_when_all_was_given_up_is_killed_as_soon_as_it_is_there()
    {
        var story = new Story(workers: 2, ShortBoot).Happens(new Started()).Spawns(1).Passes(3).Spawns(2).Passes(2).Passes(0.6);
        story.Wants("spawn 1, spawn 2, abort 1, spawn 3").Passes(2.4);
        story.NoticeOf<BootFailureNotice>();
        story.Wants("kill 1, abort 2");
        Assert.Equal("1 killing, 2 suspect, 3 killing", story.Seats());
        story.Spawns(3).Wants("kill 3");
    }

    [Fact]
    public void A_worker_that_says_why_it_cannot_start_ends_the_supervisor_with_its_code()
    {
        var story = new Story(workers: 2).Happens(new Started()).Spawns(1).Spawns(2);
        story.Happens(new WorkerFailedToStart(1, 4, "Kestrel:Endpoints names http://*:5000"));
        var notice = story.NoticeOf<AppNotStartableNotice>();
        Assert.Equal((1, 4, "Kestrel:Endpoints names http://*:5000"), (notice.Index, notice.ExitCode, notice.Message));
        story.Wants("spawn 1, spawn 2, drain 1 in 0s, drain 2 in 0s");

        story.Happens(new WorkerFailedToStart(2, 4, "the same")).Exits(1, 1).Passes(2).Wants("kill 2");
        story.DiesBySignal(2, 9).Wants("leave 4");
    }

    [Fact]
    public void Once_anyone_served_a_failure_to_start_only_explains_the_death_that_follows()
    {
        var story = Story.WithServing(workers: 2).Exits(2, 1).Spawns(2).Happens(new WorkerFailedToStart(2, 4, "no"));
        Assert.Equal("no", story.NoticeOf<WorkerFailedToStartNotice>().Message);
        story.Wants("spawn 2").Exits(2, 4);
        Assert.Equal(ExitReason.Crash, story.NoticeOf<WorkerDiedNotice>().Exit.Reason);
        Assert.Equal(SupervisorPhase.Degraded, story.Phase);
    }

    [Fact]
    public void An_app_that_listens_by_itself_until_BootTimeout_is_told_which_line_it_lacks()
    {
        var story = new Story(workers: 1, ShortBoot).Happens(new Started()).Spawns(1).Happens(new WorkerListensByItself(1, "http://localhost:5000"));
        story.Wants("spawn 1").Passes(2.9).Happens(new WorkerListensByItself(1, "http://localhost:5000"));
        Assert.Empty(story.News);
        story.Passes(0.2).Happens(new WorkerListensByItself(1, "http://localhost:5000")).Happens(new WorkerListensByItself(1, "http://localhost:5000"));
        Assert.Equal("http://localhost:5000", story.NoticeOf<WorkerListensByItselfNotice>().Endpoint);
        story.Passes(2);
        var notice = story.NoticeOf<AppNotStartableNotice>();
        Assert.Equal(4, notice.ExitCode);
        Assert.Contains("http://localhost:5000", notice.Message, StringComparison.Ordinal);
        Assert.Contains("builder.WebHost.UseGreenTransport()", notice.Message, StringComparison.Ordinal);
        story.Wants("drain 1 in 0s").Exits(1, 0).Wants("leave 4");
    }

    [Fact]
    public void A_worker_may_listen_on_what_it_likes_before_it_says_hello_and_after()
    {
        var story = new Story(workers: 1, ShortBoot).Happens(new Started()).Spawns(1).Happens(new WorkerListensByItself(1, "http://localhost:5000")).Passes(2);
        story.Happens(new WorkerSaidHello(1)).Happens(new WorkerListensByItself(1, "http://localhost:5000")).Passes(2);
        story.Wants("spawn 1");
        Assert.Equal("1 booting", story.Seats());
        Assert.Empty(story.News);
    }

    [Fact]
    public void Once_anyone_served_or_all_is_stopping_nobody_is_accused_of_listening_by_itself()
    {
        var serving = Story.WithServing(workers: 2).Exits(2, 1).Spawns(2).Happens(new WorkerListensByItself(2, "http://localhost:5000"));
        serving.Wants("spawn 2");

        var stopping = new Story(workers: 1).Happens(new Started()).Spawns(1).Happens(new StopRequested(StopKind.Graceful));
        _ = stopping.News;
        stopping.Happens(new WorkerListensByItself(1, "http://localhost:5000")).Happens(new WorkerFailedToStart(1, 4, "no"));
        Assert.Empty(stopping.News);
    }
}
