using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>Where the admin endpoint gets what it shows, and where it sends actions.</summary>
internal sealed record AdminSources
{
    /// <summary>Builds the current figures; called from any thread.</summary>
    public required Func<Figures> Figures { get; init; }

    public required Journal Journal { get; init; }

    /// <summary>The arbiter's state; called from any thread.</summary>
    public required Func<SupervisorState> State { get; init; }

    /// <summary>The time since the supervisor's thread completed its last round.</summary>
    public required Func<TimeSpan> Silence { get; init; }

    /// <summary>Sends a command to the control socket, like any other client.</summary>
    public required Func<ControlRequest, ControlResponse> Act { get; init; }
}
