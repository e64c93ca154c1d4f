namespace KestrelGreenTransport.Supervisor.Core;

// At most one worker leads: the next one is told only after the previous one has said that it no longer leads, or was
// reaped. So there may briefly be no leader, but never two.
// A supervisor that takes over from another appoints no leader until the other supervisor's leader has resigned or was reaped.
// A worker that has resigned is shutting down, and is not appointed again.

/// <summary>The worker that leads.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process, since indexes are reused.</param>
/// <param name="IsDismissed">Whether it was told to stop leading, and has not yet confirmed.</param>
internal sealed record Leader(int Index, int Pid, bool IsDismissed);

/// <summary>Makes sure that one serving worker leads.</summary>
internal static class Leading
{
    /// <summary>Called at the end of each step.</summary>
    public static void Arrange(StepContext step)
    {
        if (step.State.Leader is { } leader)
        {
            var worker = step.FindLiving(leader.Index);
            if (worker?.Pid == leader.Pid)
            {
                if (!leader.IsDismissed && !MayLead(worker))
                {
                    step.State = step.State with { Leader = leader with { IsDismissed = true } };
                    step.Do(new AppointLeader(leader.Index, IsLeader: false));
                }

                return;
            }

            step.State = step.State with { Leader = null };
        }

        if (Next(step) is { Pid: { } pid } next)
        {
            step.State = step.State with { Leader = new Leader(next.Index, pid, IsDismissed: false) };
            step.Do(new AppointLeader(next.Index, IsLeader: true));
            step.Say(new LeaderNotice(next.Index, pid));
        }
    }

    public static void Resigned(StepContext step, WorkerHandle worker)
    {
        step.Put(worker with { HasResigned = true });
        if (step.State.Leader is { } leader && leader.Index == worker.Index)
        {
            step.State = step.State with { Leader = null };
        }
    }

    // The youngest generation first, since the others are about to leave; then the worker that has served longest.
    private static WorkerHandle? Next(StepContext step) => step.IsStopping || !step.State.HasLead
        ? null
        : step.Workers.Where(MayLead).OrderByDescending(worker => worker.Generation).ThenBy(worker => worker.ServingSince).ThenBy(worker => worker.Index).FirstOrDefault();

    private static bool MayLead(WorkerHandle worker) =>
        worker is { IsStaying: true, Phase: WorkerPhase.Serving, SaidHello: true, HasResigned: false };
}
