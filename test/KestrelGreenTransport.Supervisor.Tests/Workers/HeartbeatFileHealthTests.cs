using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Tests.Workers;

public class HeartbeatFileHealthTests
{
    private readonly HeartbeatFileHealth _health = new();

    [Fact]
    public void A_record_that_is_being_written_is_nothing_to_speak_of_unless_it_stays_so()
    {
        for (var look = 1; look < HeartbeatFileHealth.LooksAtUnfinished; look++)
        {
            Assert.False(Looks(HeartbeatOutcome.Torn));
        }

        Assert.False(Looks(HeartbeatOutcome.Beat));
        for (var look = 1; look < HeartbeatFileHealth.LooksAtUnfinished; look++)
        {
            Assert.False(Looks(HeartbeatOutcome.Torn));
        }

        Assert.True(Looks(HeartbeatOutcome.Torn));
        Assert.True(_health.IsUnreadable);
        Assert.False(Looks(HeartbeatOutcome.Torn));
        Assert.True(Looks(HeartbeatOutcome.Beat));
        Assert.False(_health.IsUnreadable);
    }

    [Fact]
    public void A_file_that_is_damaged_is_told_at_once_and_once()
    {
        Assert.False(Looks(HeartbeatOutcome.None));
        Assert.True(Looks(HeartbeatOutcome.Garbage));
        Assert.False(Looks(HeartbeatOutcome.Torn));
        Assert.False(Looks(HeartbeatOutcome.Truncated));
        Assert.True(Looks(HeartbeatOutcome.None));
    }

    private bool Looks(HeartbeatOutcome outcome) => _health.Look(new HeartbeatReading(outcome));
}
