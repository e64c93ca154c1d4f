using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

/// <summary>A worker process as the random stories play it: what it does, what it was ordered, and by when which order is due.</summary>
internal sealed class SimulatedProcess
{
    public required int Index { get; init; }

    public required int Pid { get; init; }

    /// <summary>Speaks for its state: booting, standby, serving, draining.</summary>
    public WorkerState Says { get; set; } = WorkerState.Booting;

    /// <summary>Was asked to warm itself, and has not answered yet.</summary>
    public bool IsWarming { get; set; }

    public bool SaidHello { get; set; }

    /// <summary>Beats no more, obeys no more.</summary>
    public bool Hung { get; set; }

    /// <summary>Survives SIGKILL for now.</summary>
    public bool Stuck { get; set; }

    /// <summary>The supervisor knows that it stands by or serves.</summary>
    public bool IsReady { get; set; }

    /// <summary>The last moment for which the supervisor knows that it lived, or did not look itself.</summary>
    public long LastProof { get; set; }

    public required long BootDue { get; set; }

    public long? AbortDue { get; set; }

    public bool AbortFinished { get; set; }

    /// <summary>From when on a kill for not leaving is fair.</summary>
    public long? LeaveDueFrom { get; set; }

    /// <summary>By when a kill for not leaving must have come.</summary>
    public long? LeaveDueBy { get; set; }

    public bool ToldToHurry { get; set; }

    public long? KillAgainDue { get; set; }

    public bool IsOrderedToEnd => AbortDue is not null || LeaveDueBy is not null || KillAgainDue is not null;

    /// <summary>The supervisor did not run for a while: everything is due that much later.</summary>
    public void Forgive(long gap, long now)
    {
        LastProof = now;
        BootDue += gap;
        AbortDue += gap;
        LeaveDueFrom += gap;
        LeaveDueBy += gap;
        KillAgainDue += gap;
    }
}
