using KestrelGreenTransport.Epoll.Scheduling;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

public class LoopDiagnosisTests
{
    private const long Event = (4 * 7) | LoopOwnership.Busy;
    private const long NextEvent = (4 * 8) | LoopOwnership.Busy;
    private static readonly TimeSpan Threshold = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void A_leader_that_sleeps_in_the_same_event_at_two_sightings_blocks() =>
        Assert.Equal(LoopVerdict.Blocks, Diagnose(new(Event, 'R', 0, 0), new(Event, 'S', 0, 0)));

    [Fact]
    public void A_leader_that_waits_for_a_device_blocks_too() =>
        Assert.Equal(LoopVerdict.Blocks, Diagnose(new(Event, 'D', 0, 0), new(Event, 'D', 0, 0)));

    [Fact]
    public void A_leader_that_sleeps_is_only_suspect_at_first() =>
        Assert.Equal(LoopVerdict.Suspect, Diagnose(new(Event, 'S', 0, 0), new(NextEvent, 'S', 0, 0)));

    [Fact]
    public void A_leader_that_used_the_processor_for_the_threshold_computes() =>
        Assert.Equal(LoopVerdict.Computes, Diagnose(new(Event, 'R', 500, 0), new(Event, 'R', 1_000_500, 0)));

    [Fact]
    public void A_leader_that_was_descheduled_or_throttled_is_left_alone() =>
        Assert.Equal(LoopVerdict.Running, Diagnose(new(Event, 'R', 500, 0), new(Event, 'R', 30_500, 0)));

    [Fact]
    public void A_leader_that_was_stopped_by_a_collection_is_left_alone() =>
        Assert.NotEqual(LoopVerdict.Blocks, Diagnose(new(Event, 'S', 0, 4), new(Event, 'S', 0, 5)));

    [Theory]
    [InlineData(4 * 7)]
    [InlineData((4 * 7) | LoopOwnership.Offered)]
    public void A_loop_that_runs_no_app_or_is_on_offer_already_is_no_problem(long word) =>
        Assert.Equal(LoopVerdict.NoProblem, Diagnose(new(word, 'S', 0, 0), new(word, 'S', 0, 0)));

    [Theory]
    [InlineData('T')]
    [InlineData('t')]
    [InlineData('?')]
    public void A_leader_that_is_stopped_or_unknown_is_left_alone(char state) =>
        Assert.Equal(LoopVerdict.Running, Diagnose(new(Event, state, -1, 0), new(Event, state, -1, 0)));

    private static LoopVerdict Diagnose(Sighting before, Sighting now) => LoopDiagnosis.Of(before, now, Threshold);
}
