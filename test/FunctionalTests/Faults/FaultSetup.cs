using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>The cluster that a fault is done to.</summary>
/// <param name="Workers">How many serve.</param>
/// <param name="Options">Options of <c>green run</c> beside that number.</param>
internal sealed record FaultSetup(int Workers, params string[] Options)
{
    /// <summary>Three workers with time: nobody is taken for hung because the machine is slow.</summary>
    public static readonly FaultSetup Calm = new(3);

    /// <summary>Two workers that must beat every three seconds and may take one to leave.</summary>
    public static readonly FaultSetup Strict = new(2, "--timeout", "3s", "--graceful-timeout", "1s");

    /// <summary>Variables for all processes.</summary>
    public (string Name, string? Value)[] Environment { get; init; } = [];

    /// <summary>Whether the app is deployed as releases, of which one can be broken.</summary>
    public bool HasReleases { get; init; }

    /// <summary>What starts the supervisor, given a folder of the cluster's own.</summary>
    public Func<TemporaryFolder, string[]>? Wrapper { get; init; }

    /// <summary>An empty folder in the run-time directory that the wrapper made, and that stays for it.</summary>
    public Func<GreenRun, string>? Leaves { get; init; }

    /// <summary>Whom the workers run as, if not as the supervisor: then the app lies where that one can read it, and says itself where it listens.</summary>
    public string? User { get; init; }
}
