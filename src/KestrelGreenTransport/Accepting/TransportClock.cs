namespace KestrelGreenTransport.Accepting;

// The app's TimeProvider never drives our timing: a clock that stands still in an integration test would stop a drain,
// the heartbeat and every pause between two accepts. Only the timing of the app's own requests uses the app's clock.

/// <summary>The clock for everything that the transport times: a DI singleton that tests replace.</summary>
internal sealed record TransportClock(TimeProvider Time)
{
    public static readonly TransportClock System = new(TimeProvider.System);
}
