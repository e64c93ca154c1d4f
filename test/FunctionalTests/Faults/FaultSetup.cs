using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>The cluster that a fault is done to.</summary>
/// <param name="Workers">How many workers.</param>
/// <param name="Options">Options of <c>green run</c> besides that number.</param>
internal sealed record FaultSetup(int Workers, params string[] Options)
{
    /// <summary>Workers with generous limits: a slow machine does not make one look hung. In the suite two prove the same as three.</summary>
    public static readonly FaultSetup Calm = new(FaultMatrix.IsThorough ? 3 : 2);

    /// <summary>Two workers that must send a heartbeat every three seconds and may take one second to leave.</summary>
    public static readonly FaultSetup Strict = new(2, "--timeout", "3s", "--graceful-timeout", "1s");

    /// <summary>Variables for all processes.</summary>
    public (string Name, string? Value)[] Environment { get; init; } = [];

    /// <summary>Whether the app is deployed as releases, one of which can be broken.</summary>
    public bool HasReleases { get; init; }

    /// <summary>The command that starts the supervisor, given the cluster's own folder.</summary>
    public Func<TemporaryFolder, string[]>? Wrapper { get; init; }

    /// <summary>An empty folder that the wrapper makes in the run-time directory, and that is left behind because of it.</summary>
    public Func<GreenRun, string>? Leaves { get; init; }

    /// <summary>The workers' user, if not the supervisor's. Then the app is put where that user can read it, and chooses its own address.</summary>
    public string? User { get; init; }
}
