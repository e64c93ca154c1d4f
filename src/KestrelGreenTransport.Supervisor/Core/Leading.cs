namespace KestrelGreenTransport.Supervisor.Core;

// At most one worker leads: the next one is told only after the one before has said that it does not any more, or was
// reaped. So there may be nobody for a moment, and never two.
// Where a supervisor takes over from another, it appoints nobody before the other one's leader has gone the same way.
// Who has resigned is on its way out, and is not appointed again.

/// <summary>Who leads among the workers.</summary>
/// <param name="Index">The worker.</param>
/// <param name="Pid">Its process, since an index is used again.</param>
/// <param name="IsDismissed">Whether it was told to lead no more, and has not said yet that it does not.</param>
internal sealed record Leader(int Index, int Pid, bool IsDismissed);

/// <summary>Sees to it that one serving worker leads.</summary>
internal static class Leading
{
    /// <summary>Called at the end of each step.</summary>
    public static void Arrange(Turn turn)
    {
        if (turn.State.Leader is { } leader)
        {
            var worker = turn.FindLiving(leader.Index);
            if (worker?.Pid == leader.Pid)
            {
                if (!leader.IsDismissed && !MayLead(worker))
                {
                    turn.State = turn.State with { Leader = leader with { IsDismissed = true } };
                    turn.Do(new AppointLeader(leader.Index, IsLeader: false));
                }

                return;
            }

            turn.State = turn.State with { Leader = null };
        }

        if (Next(turn) is { Pid: { } pid } next)
        {
            turn.State = turn.State with { Leader = new Leader(next.Index, pid, IsDismissed: false) };
            turn.Do(new AppointLeader(next.Index, IsLeader: true));
            turn.Say(new LeaderNotice(next.Index, pid));
        }
    }

    public static void Resigned(Turn turn, WorkerHandle worker)
    {
        turn.Put(worker with { HasResigned = true });
        if (turn.State.Leader is { } leader && leader.Index == worker.Index)
        {
            turn.State = turn.State with { Leader = null };
        }
    }

    // The youngest generation first, since the others are about to go; then whoever has served longest.
    private static WorkerHandle? Next(Turn turn) => turn.IsStopping || !turn.State.HasLead
        ? null
        : turn.Workers.Where(MayLead).OrderByDescending(worker => worker.Generation).ThenBy(worker => worker.ServingSince).ThenBy(worker => worker.Index).FirstOrDefault();

    private static bool MayLead(WorkerHandle worker) =>
        worker is { Stays: true, Phase: WorkerPhase.Serving, SaidHello: true, HasResigned: false };
}
