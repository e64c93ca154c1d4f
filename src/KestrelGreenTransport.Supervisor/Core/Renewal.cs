namespace KestrelGreenTransport.Supervisor.Core;

// A worker that is replaced on purpose keeps serving until its replacement does: nothing is lost, even if the replacement fails.
// One at a time: there is at most one worker more than wanted, and the next replacement begins once the previous old worker is gone.

/// <summary>Replaces serving workers: those of an old generation, and those that are due.</summary>
internal static class Renewal
{
    /// <summary>Continues the current replacement, or begins the next. Called at the end of each step.</summary>
    public static void Advance(Turn turn)
    {
        if (turn.State.IsDrained)
        {
            return;
        }

        if (turn.State.Surge is { Candidate: { } index } surge && turn.Find(index) is { Kind: SeatKind.Surge, Stays: true } candidate)
        {
            GoOnWith(turn, surge, candidate);
            return;
        }

        if (turn.State.Surge is { Victim: { } victim } && turn.Find(victim) is { Stays: false })
        {
            return;
        }

        turn.State = turn.State with { Surge = null };
        if (turn.State.Reload is { Settings: { } settings } reload)
        {
            GoOnWithReload(turn, reload, settings);
        }
        else
        {
            BeginNext(turn);
        }
    }

    /// <summary>A worker was lost whose replacement is already on its way: that replacement takes its place instead of a new heir.</summary>
    public static bool TakesPlaceOf(Turn turn, WorkerHandle lost, WorkerHandle heir)
    {
        if (turn.State.Surge is not { Candidate: { } index, Victim: { } victim } || victim != lost.Index || turn.Find(index) is not { } candidate)
        {
            return false;
        }

        turn.Put(candidate with
        {
            Kind = SeatKind.Active,
            Restarts = candidate.Restarts + heir.Restarts,
            LastExit = heir.LastExit,
            Replaces = heir.Replaces,
        });
        turn.State = turn.State with { Surge = null };
        return true;
    }

    /// <summary>A replacement was lost before it could prove itself: its heir becomes the candidate.</summary>
    public static void CandidateLost(Turn turn, WorkerHandle lost, WorkerHandle heir)
    {
        if (turn.State.Surge is { } surge && surge.Candidate == lost.Index)
        {
            turn.State = turn.State with { Surge = surge with { Candidate = heir.Index } };
        }
    }

    /// <summary>The worker should be replaced; the first reason given is kept.</summary>
    public static void MarkDue(Turn turn, WorkerHandle worker, ExitReason reason)
    {
        if (worker.Due is null)
        {
            turn.Put(worker with { Due = reason, DueSince = turn.Now });
        }
    }

    private static bool HasProvedItself(Turn turn, WorkerHandle candidate) =>
        candidate is { Phase: WorkerPhase.Serving, SaysServing: true, ServingSince: { } since }
        && turn.Now - since >= Nanoseconds.Of(ArbiterSettings.ProbationTime);

    private static void GoOnWith(Turn turn, Surge surge, WorkerHandle candidate)
    {
        var victim = surge.Victim is { } index ? turn.Find(index) : OldestOfOtherGeneration(turn);
        if (victim is not { Stays: true } || (victim.Due is null && surge.Reason != ExitReason.Reload))
        {
            // Fewer workers are wanted now than when this replacement began.
            turn.State = turn.State with { Surge = null };
            Termination.Dismiss(turn, candidate, ExitReason.ScaleDown);
        }
        else if (HasProvedItself(turn, candidate))
        {
            turn.Put(Successor(candidate, victim));
            Termination.Dismiss(turn, victim, surge.Reason);
            turn.State = turn.State with { Surge = new Surge(null, victim.Index, surge.Reason) };
        }
    }

    private static WorkerHandle Successor(WorkerHandle candidate, WorkerHandle victim) => candidate with
    {
        Kind = SeatKind.Active,
        Restarts = candidate.Restarts + victim.Restarts + (victim.Pid is null ? 0 : 1),
        LastExit = candidate.LastExit ?? victim.LastExit,
        Replaces = victim.Index,
    };

    private static void GoOnWithReload(Turn turn, Reload reload, ArbiterSettings settings)
    {
        if (OldestOfOtherGeneration(turn) is null)
        {
            if (reload.IsRollback || turn.Active.All(seat => seat.Phase == WorkerPhase.Serving))
            {
                Reloading.Finish(turn, reload, settings);
            }

            return;
        }

        var candidate = Launching.Spawn(turn, SeatKind.Surge, reload.Generation, settings);
        turn.State = turn.State with { Surge = new Surge(candidate.Index, null, ExitReason.Reload) };
    }

    // Workers that are not serving go first.
    private static WorkerHandle? OldestOfOtherGeneration(Turn turn) =>
        turn.State.Reload is not { } reload ? null : turn.Active
            .Where(seat => seat.Generation != reload.Generation)
            .OrderBy(seat => seat.Phase == WorkerPhase.Serving)
            .ThenBy(seat => seat.SpawnedAt)
            .ThenBy(seat => seat.Index)
            .FirstOrDefault();

    private static void BeginNext(Turn turn)
    {
        var next = turn.Active.Where(worker => worker is { Due: not null, Phase: WorkerPhase.Serving })
            .OrderBy(worker => worker.DueSince)
            .ThenBy(worker => worker.Index)
            .FirstOrDefault();
        if (next is not { Due: { } reason } || turn.Active.Any(seat => seat.Phase != WorkerPhase.Serving))
        {
            return;
        }

        turn.Say(new WorkerDueNotice(next.Index, next.Pid!.Value, reason));
        if (Places.FindStandby(turn) is { } standby)
        {
            Places.TakeOver(turn, Successor(standby, next));
            Termination.Dismiss(turn, next, reason);
            turn.State = turn.State with { Surge = new Surge(null, next.Index, reason) };
        }
        else
        {
            var candidate = Launching.Spawn(turn, SeatKind.Surge);
            turn.State = turn.State with { Surge = new Surge(candidate.Index, next.Index, reason) };
        }
    }
}
