using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class HangTests
{
    private static readonly ArbiterSettings ShortTimeout = new() { Timeout = TimeSpan.FromSeconds(3) };
    private static readonly SlowRequest Slow = new("GET", "/report", TimeSpan.FromSeconds(31));

    [Theory]
    [InlineData(0.1, 0.1, 0.1, false, nameof(Verdict.NoHeartbeat))]
    [InlineData(3.1, 3.1, 3.1, false, nameof(Verdict.FrozenProcess))]
    [InlineData(0.1, 3.1, 0.1, false, nameof(Verdict.ThreadPoolStarvation))]
    [InlineData(0.1, 0.1, 3.1, false, nameof(Verdict.BlockedLoop))]
    [InlineData(0.1, 2.9, 3.1, false, nameof(Verdict.BlockedLoop))]
    [InlineData(0.1, 3.1, 3.1, false, nameof(Verdict.ThreadPoolStarvation))]
    [InlineData(0.1, 0.1, 0.1, true, nameof(Verdict.FrozenProcess))]
    public void The_board_says_why_there_is_no_beat(double writtenAgo, double poolAgo, double loopAgo, bool isStopped, string verdict)
    {
        var now = At(1000);
        var record = new BoardRecord { WrittenAt = now - At(writtenAgo), ThreadPoolPassAt = now - At(poolAgo), LoopPassAt = now - At(loopAgo) };
        Assert.Equal(Enum.Parse<Verdict>(verdict), Diagnosis.Of(record, isStopped, now - At(3), now, ShortTimeout.Timeout));
    }

    [Fact]
    public void Who_is_excused_stays_so_though_the_supervisor_itself_pauses_meanwhile()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Happens(new WorkerExcused(1, TimeSpan.FromSeconds(60)));
        story.SupervisorSleeps(5).Passes(50).WantsNothing();
        story.Passes(10).Wants("abort 1, spawn 2");
    }

    [Fact]
    public void Without_a_record_or_before_the_first_round_trip_nothing_is_guessed()
    {
        Assert.Equal(Verdict.NoHeartbeat, Diagnosis.Of(null, isStopped: false, At(997), At(1000), ShortTimeout.Timeout));
        Assert.Equal(Verdict.NoHeartbeat, Diagnosis.Of(new BoardRecord { WrittenAt = At(1000) }, isStopped: false, At(997), At(1000), ShortTimeout.Timeout));
    }

    [Fact]
    public void A_stale_worker_is_ended_for_what_the_board_said_last_and_it_is_counted_and_kept()
    {
        var story = Story.WithServing(workers: 2, ShortTimeout).Passes(10).FallsSilent(1).Passes(2);
        story.Happens(new WorkerExamined(1, Starved(story.Now), IsStopped: false)).Passes(1.1);

        Assert.Equal(Verdict.ThreadPoolStarvation, story.NoticeOf<WorkerStaleNotice>().Verdict);
        Assert.Contains(story.News, effect => effect is AbortWorker { Index: 1, Reason: ExitReason.Stale, Verdict: Verdict.ThreadPoolStarvation });
        Assert.Equal(new VerdictCounts(0, 1, 0, 0, 0), story.State.Verdicts);
        story.Boots(3).Happens(new WorkerAbortFinished(1)).DiesBySignal(1, 9);
        Assert.Equal((ExitReason.Stale, Verdict.ThreadPoolStarvation), (story[3].LastExit!.Reason, story[3].LastExit!.Verdict));
    }

    [Fact]
    public void A_beat_takes_a_suspicion_back()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(2);
        story.Happens(new WorkerExamined(1, Starved(story.Now), IsStopped: false)).Beats(1);
        Assert.Null(story[1].LikelyVerdict);
        story.Passes(3.1);
        Assert.Equal(Verdict.NoHeartbeat, story.NoticeOf<WorkerStaleNotice>().Verdict);
    }

    [Fact]
    public void A_worker_that_we_pause_ourselves_is_not_blamed_for_it()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).Passes(10).FallsSilent(1).Happens(new WorkerExcused(1, TimeSpan.FromSeconds(60)));
        story.Passes(50).WantsNothing();
        story.Happens(new WorkerExcused(1, TimeSpan.Zero)).Passes(3).WantsNothing();
        story.Passes(0.1).Wants("abort 1, spawn 2");
    }

    [Fact]
    public void A_slow_request_is_reported_and_its_worker_left_alone()
    {
        var story = Story.WithServing(workers: 1).Happens(new WorkerRequestOverdue(1, Slow));
        Assert.Equal((Slow, false), (story.NoticeOf<SlowRequestNotice>().Request, story.NoticeOf<SlowRequestNotice>().IsKilled));
        story.Passes(60).WantsNothing();
        Assert.Equal(1, story.State.Verdicts.HungRequest);
    }

    [Fact]
    public void Where_somebody_chose_so_a_hung_request_ends_its_worker_and_the_replacement_comes_at_once()
    {
        var story = Story.WithServing(workers: 2, new ArbiterSettings { KillsHungRequests = true }).Passes(60);
        story.Happens(new WorkerRequestOverdue(1, Slow));
        Assert.True(story.NoticeOf<SlowRequestNotice>().IsKilled);
        story.Wants("abort 1, spawn 3");

        // Its second slow request does not cause a second verdict.
        story.Happens(new WorkerRequestOverdue(1, Slow)).WantsNothing();
        story.Boots(3).Happens(new WorkerAbortFinished(1)).Wants("kill 1").DiesBySignal(1, 9);
        Assert.Equal((ExitReason.RequestTimeout, Verdict.HungRequest), (story[3].LastExit!.Reason, story[3].LastExit!.Verdict));
    }

    [Fact]
    public void A_kill_of_the_kernels_for_memory_is_out_of_memory()
    {
        var story = Story.WithServing(workers: 1).Happens(new WorkerExited(1, ExitStatus.Killed(9), WasKilledForMemory: true));
        Assert.Equal(ExitReason.OutOfMemory, story.NoticeOf<WorkerDiedNotice>().Exit.Reason);
    }

    [Fact]
    public void A_worker_that_said_so_with_its_last_words_ran_out_of_memory()
    {
        var story = Story.WithServing(workers: 1).Happens(new WorkerSaidOutOfMemory(1)).DiesBySignal(1, 6);
        Assert.Equal(ExitReason.OutOfMemory, story.NoticeOf<WorkerDiedNotice>().Exit.Reason);
    }

    [Fact]
    public void A_worker_that_we_killed_never_ran_out_of_memory()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout).FallsSilent(1).Passes(3.1).Boots(2);
        story.Happens(new WorkerSaidOutOfMemory(1)).Happens(new WorkerExited(1, ExitStatus.Killed(9), WasKilledForMemory: true));
        Assert.Equal(ExitReason.Stale, story[2].LastExit!.Reason);
    }

    [Fact]
    public void A_dump_may_take_longer_than_stacks()
    {
        var story = Story.WithServing(workers: 1, ShortTimeout with { DumpTimeout = TimeSpan.FromSeconds(20) }).FallsSilent(1).Passes(3.1).Boots(2);
        _ = story.News;
        story.Passes(19.9).WantsNothing();
        story.Passes(0.1).Wants("kill 1");
    }

    private static BoardRecord Starved(long now) => new() { WrittenAt = now, ThreadPoolPassAt = now - At(2), LoopPassAt = now };

    private static long At(double seconds) => (long)(seconds * 1e9);
}
