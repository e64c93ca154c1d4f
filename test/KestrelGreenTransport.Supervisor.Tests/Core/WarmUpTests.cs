using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class WarmUpTests
{
    private static readonly ArbiterSettings Warming = new()
    {
        WarmUp = new WarmUpPlan([new WarmUpRequest("GET", "/a"), new WarmUpRequest("POST", "/b")], TimeSpan.FromSeconds(4)),
        BootTimeout = TimeSpan.FromSeconds(5),
    };

    [Fact]
    public void While_another_worker_serves_a_new_one_warms_itself_before_it_does()
    {
        var story = OneServes().Happens(new ScaleRequested(2)).Boots(2).WantsWithGates("spawn 2, warm 2 at /a POST /b");
        Assert.Equal("1 serving, 2 warming", story.Seats());
        story.Happens(new WorkerReady(2)).WantsNothing();
        story.Happens(new WorkerWarmed(2, null)).WantsWithGates("open 2");
        Assert.Equal("1 serving, 2 serving", story.Seats());
    }

    [Fact]
    public void The_first_worker_of_all_serves_at_once_since_no_other_one_does()
    {
        var story = new Story(workers: 2, Warming).Happens(new Started()).Boots(1);
        story.NoticeOf<WarmUpCutShortNotice>();
        Assert.Equal("1 serving, 2 booting", story.Seats());
        story.Boots(2);
        Assert.Equal("1 serving, 2 warming", story.Seats());
    }

    [Fact]
    public void While_the_workers_of_the_supervisor_before_this_one_serve_all_warm_themselves()
    {
        var story = new Story(workers: 2, Warming, hasLead: false).Happens(new Started()).Boots(1).Boots(2);
        Assert.Equal("1 warming, 2 warming", story.Seats());
        story.Happens(new LeadGiven());
        Assert.Equal("1 serving, 2 warming", story.Seats());
    }

    [Fact]
    public void A_warm_up_is_cut_short_when_the_last_worker_that_serves_is_lost()
    {
        var story = OneServes().Happens(new ScaleRequested(2)).Boots(2).Exits(1, 1);
        story.NoticeOf<WarmUpCutShortNotice>();
        Assert.Contains(new OpenWorker(2), story.News);
        Assert.Equal("1 booting, 2 serving", story.Seats());
        story.Happens(new WorkerWarmed(2, "500")).WantsNothing();
    }

    [Fact]
    public void A_worker_that_is_ended_for_its_silence_serves_no_more()
    {
        // The warm-up may take longer than the other worker's Timeout.
        var patient = Warming with { WarmUp = Warming.WarmUp! with { Time = TimeSpan.FromMinutes(1) } };
        var story = OneServes(patient).Happens(new ScaleRequested(2)).Boots(2).FallsSilent(1).Passes(31);
        story.NoticeOf<WarmUpCutShortNotice>();
        Assert.Equal("1 suspect, 2 serving, 3 booting", story.Seats());
    }

    [Fact]
    public void Of_several_that_warm_themselves_one_is_cut_short_and_who_is_there_to_serve_comes_first()
    {
        var story = OneServes(Warming with { Standby = 1 }).Boots(2).Happens(new ScaleRequested(2)).Boots(3);
        Assert.Equal("1 serving, 2 warming, 3 warming", story.Seats());
        story.Exits(1, 1);
        Assert.Equal("1 booting, 2 warming, 3 serving", story.Seats());
        story.Exits(3, 1);
        Assert.Contains("2 serving", story.Seats(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_answer_keeps_no_worker_from_serving_except_one_of_a_new_generation()
    {
        var story = OneServes().Happens(new ScaleRequested(2)).Boots(2).Happens(new WorkerWarmed(2, "500"));
        Assert.Equal("500", story.NoticeOf<WarmUpFailedNotice>().Problem);
        Assert.Equal("1 serving, 2 serving", story.Seats());
        _ = story.News;

        story.Happens(new ReloadRequested()).IsPrepared().Boots(3).Happens(new WorkerWarmed(3, "503"));
        Assert.Equal("503", Assert.IsType<WarmUpFailedNotice>(story.NoticeOf<ReloadFailedNotice>().Cause).Problem);
        story.Wants("prepare 2, spawn 3 of generation 2, warm 3 at /a POST /b, drain 3 in 30s");
    }

    [Fact]
    public void Time_that_runs_out_is_told_once_and_held_against_no_worker()
    {
        var story = OneServes().Happens(new ReloadRequested()).IsPrepared().Boots(2).Happens(new WorkerWarmed(2, "no answer", TimedOut: true));
        Assert.Equal("no answer", story.NoticeOf<WarmUpFailedNotice>().Problem);
        Assert.Equal("1 serving, 2 serving", story.Seats());
    }

    [Fact]
    public void A_worker_that_never_says_that_it_is_warm_serves_all_the_same()
    {
        var story = OneServes().Happens(new ScaleRequested(2)).Boots(2).Passes(8.9);
        Assert.Equal("1 serving, 2 warming", story.Seats());
        story.Passes(0.2);
        Assert.Equal("not finished within 4s (WarmUpTime) plus 5s", story.NoticeOf<WarmUpFailedNotice>().Problem);
        Assert.Equal("1 serving, 2 serving", story.Seats());
    }

    private static Story OneServes(ArbiterSettings? settings = null)
    {
        var story = Story.WithServing(workers: 1, settings ?? Warming);
        _ = story.News;
        return story;
    }
}
