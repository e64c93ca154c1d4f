namespace FunctionalTests.Faults;

/// <summary>
/// One row of the matrix: what is done to a cluster under load, what must be on record of it, and which requests it may cost.
///
/// Every row ends with the same checks (<see cref="FaultScene"/>): the service answers, and no process, descriptor, socket or
/// file is left.
/// </summary>
/// <param name="Name">Its name: what is hit, and how.</param>
/// <param name="Strike">Does it, and waits until its consequences are over.</param>
internal sealed record Fault(string Name, Func<FaultScene, Task> Strike)
{
    /// <summary>The two ways in which clients reach the workers.</summary>
    public const string Direct = "direct";

    public const string Nginx = "nginx";

    /// <summary>What it is done to. Rows with the same setup share a cluster.</summary>
    public FaultSetup Setup { get; init; } = FaultSetup.Calm;

    /// <summary>How the status document must say that the victim ended: reason, code or signal, verdict. Null where nobody ends by it.</summary>
    public string? Reason { get; init; }

    /// <summary>What the log must say, as a pattern.</summary>
    public string? Said { get; init; }

    /// <summary>Whether each client may lose the one request that the victim held. Nothing may be lost otherwise.</summary>
    public bool CostsWhatTheVictimHeld { get; init; }

    /// <summary>By which way it runs in the test suite; null where it is only run by build/faults.sh.</summary>
    public string? InTests { get; init; } = Direct;

    /// <summary>Whether it makes sense behind a proxy.</summary>
    public bool IsForNginx { get; init; } = true;
}
