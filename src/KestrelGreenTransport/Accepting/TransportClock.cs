namespace KestrelGreenTransport.Accepting;

// The app's TimeProvider never drives our timing: a clock that stands still in an integration test would stop a drain,
// the heartbeat and every pause between two accepts. What is about the app's own requests is the app's.

/// <summary>The clock of everything that the transport times: a DI singleton, which tests replace.</summary>
internal sealed record TransportClock(TimeProvider Time)
{
    public static readonly TransportClock System = new(TimeProvider.System);
}
