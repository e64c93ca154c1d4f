using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>What the admin endpoint shows, and whom it asks to act.</summary>
internal sealed record AdminSources
{
    /// <summary>Builds a picture of now; from any thread.</summary>
    public required Func<Figures> Figures { get; init; }

    public required Journal Journal { get; init; }

    /// <summary>What the arbiter knows; from any thread.</summary>
    public required Func<SupervisorState> State { get; init; }

    /// <summary>How long ago the supervisor's thread went round.</summary>
    public required Func<TimeSpan> Silence { get; init; }

    /// <summary>Puts a command to the control socket, as any client would: whatever it can do, an action can.</summary>
    public required Func<ControlRequest, ControlResponse> Act { get; init; }
}
