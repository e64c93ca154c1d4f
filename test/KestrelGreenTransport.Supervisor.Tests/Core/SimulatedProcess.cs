using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

/// <summary>A worker process in the random stories: what it does, what it was ordered to do, and when each order is due.</summary>
internal sealed class SimulatedProcess
{
    public required int Index { get; init; }

    public required int Pid { get; init; }

    /// <summary>The state that it reports: booting, standby, serving, draining.</summary>
    public WorkerState ReportedState { get; set; } = WorkerState.Booting;

    /// <summary>It was asked to warm up, and has not answered yet.</summary>
    public bool IsWarming { get; set; }

    public bool SaidHello { get; set; }

    /// <summary>It was told to lead, and may still be leading.</summary>
    public bool Leads { get; set; }

    /// <summary>It was told to stop leading.</summary>
    public bool IsDismissed { get; set; }

    /// <summary>It has said that it no longer leads; it is exiting.</summary>
    public bool HasResigned { get; set; }

    /// <summary>One of its requests hangs, which is a reason to end it.</summary>
    public bool HasHungRequest { get; set; }

    /// <summary>It no longer sends heartbeats or obeys orders.</summary>
    public bool Hung { get; set; }

    /// <summary>Why it hangs.</summary>
    public Verdict Ails { get; set; }

    /// <summary>Survives SIGKILL for now.</summary>
    public bool Stuck { get; set; }

    /// <summary>The supervisor knows that it is standing by or serving.</summary>
    public bool IsReady { get; set; }

    /// <summary>The time of its last heartbeat.</summary>
    public required long LastBeatAt { get; set; }

    /// <summary>Silence counts from here: when it became ready, when the supervisor looked again, or when it was no longer excused.</summary>
    public long WindowFrom { get; set; }

    /// <summary>Before this time nothing can be held against it.</summary>
    public long LastProof => Math.Max(LastBeatAt, WindowFrom);

    public required long BootDue { get; set; }

    public long? AbortDue { get; set; }

    public bool AbortFinished { get; set; }

    /// <summary>From this time on it may be killed for not leaving.</summary>
    public long? LeaveDueFrom { get; set; }

    /// <summary>By this time it must have been killed for not leaving.</summary>
    public long? LeaveDueBy { get; set; }

    public bool ToldToHurry { get; set; }

    public long? KillAgainDue { get; set; }

    public bool IsOrderedToEnd => AbortDue is not null || LeaveDueBy is not null || KillAgainDue is not null;

    /// <summary>The supervisor was paused: everything is due that much later.</summary>
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
