namespace KestrelGreenTransport.Supervisor;

/// <summary>The format of the supervisor's own events and of the workers' lines.</summary>
public enum SupervisorLogFormat
{
    /// <summary>For people: <c>[green]</c> or <c>[worker N]</c> before each line.</summary>
    Text,

    /// <summary>For log collectors: one JSON object per line (docs/observability.md).</summary>
    Json,
}
