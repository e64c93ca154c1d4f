namespace FunctionalTests.Faults;

/// <summary>
/// One row of the matrix: what is done to a cluster under load, what must be on record afterwards, and which requests may be lost.
///
/// Every row ends with the same checks (<see cref="FaultScene"/>): the service answers, and no process, descriptor, socket or
/// file is left.
/// </summary>
/// <param name="Name">What is hit, and how.</param>
/// <param name="Strike">Causes the fault, and waits until its consequences are over.</param>
internal sealed record Fault(string Name, Func<FaultScene, Task> Strike)
{
    /// <summary>The two ways in which clients reach the workers.</summary>
    public const string Direct = "direct";

    public const string Nginx = "nginx";

    /// <summary>The cluster that the fault is done to. Rows with the same setup share a cluster.</summary>
    public FaultSetup Setup { get; init; } = FaultSetup.Calm;

    /// <summary>How the status document must report the victim's end: reason, code or signal, verdict. Null if the fault ends no process.</summary>
    public string? Reason { get; init; }

    /// <summary>A pattern that the log must match.</summary>
    public string? Said { get; init; }

    /// <summary>Whether each client may lose the one request that the victim was handling. Otherwise nothing may be lost.</summary>
    public bool CostsWhatTheVictimHeld { get; init; }

    /// <summary>How clients reach the workers when the row runs in the test suite; null if only build/faults.sh runs it.</summary>
    public string? InTests { get; init; } = Direct;

    /// <summary>Whether the row makes sense behind a proxy.</summary>
    public bool IsForNginx { get; init; } = true;
}
