using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

public class PreparationTests
{
    private static readonly ArbiterSettings Prepares = new() { PreparesStart = true };

    [Fact]
    public void What_comes_before_the_start_is_done_before_any_worker_is_made()
    {
        var story = new Story(workers: 2, Prepares).Happens(new Started()).Passes(10).Happens(new ScaleRequested(1)).Wants("prepare 1");
        Assert.Equal(SupervisorPhase.Starting, story.Phase);
        story.IsPrepared().Wants("spawn 1").Boots(1);
        Assert.Equal((SupervisorPhase.Running, 1), (story.Phase, story.State.Generation));
    }

    [Fact]
    public void If_it_fails_nothing_is_started()
    {
        var story = new Story(workers: 2, Prepares).Happens(new Started()).Happens(new PreparationFailed(1, "no database"));
        Assert.Equal("no database", story.NoticeOf<PreparationFailedNotice>().Message);
        story.Wants("prepare 1, leave 3");
    }

    [Fact]
    public void A_stop_ends_it_and_waits_for_its_end()
    {
        var story = new Story(workers: 1, Prepares).Happens(new Started()).Happens(new StopRequested(StopKind.Graceful));
        story.Wants("prepare 1, cancel the preparation").Passes(5).WantsNothing();
        story.Happens(new PreparationFailed(1, "killed by SIGKILL")).Wants("leave 0");
    }
}
