using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

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

    /// <summary>Was told to lead, and may do so still.</summary>
    public bool Leads { get; set; }

    /// <summary>Was told to lead no more.</summary>
    public bool IsDismissed { get; set; }

    /// <summary>Has said that it leads no more; it is on its way out.</summary>
    public bool HasResigned { get; set; }

    /// <summary>A request hangs in it, and that is a reason to end it.</summary>
    public bool HasHungRequest { get; set; }

    /// <summary>Beats no more, obeys no more.</summary>
    public bool Hung { get; set; }

    /// <summary>Why it hangs.</summary>
    public Verdict Ails { get; set; }

    /// <summary>Survives SIGKILL for now.</summary>
    public bool Stuck { get; set; }

    /// <summary>The supervisor knows that it stands by or serves.</summary>
    public bool IsReady { get; set; }

    /// <summary>When it beat last.</summary>
    public required long LastBeatAt { get; set; }

    /// <summary>From when on silence counts: since it was ready, or the supervisor looked again, or it is no longer excused.</summary>
    public long WindowFrom { get; set; }

    /// <summary>Until when nothing can be held against it.</summary>
    public long LastProof => Math.Max(LastBeatAt, WindowFrom);

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
        WindowFrom = Math.Max(WindowFrom, now);
        BootDue += gap;
        AbortDue += gap;
        LeaveDueFrom += gap;
        LeaveDueBy += gap;
        KillAgainDue += gap;
    }
}
