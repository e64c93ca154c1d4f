namespace KestrelGreenTransport.Supervisor.Core;

// A worker that is replaced on purpose keeps serving until its replacement does: nothing is lost, even if the replacement fails.
// One at a time: there is at most one worker more than wanted, and the next replacement begins once the previous old worker is gone.

/// <summary>Replaces serving workers: those of an old generation, and those that are due.</summary>
internal static class Renewal
{
    /// <summary>Continues the current replacement, or begins the next. Called at the end of each step.</summary>
    public static void Advance(StepContext step)
    {
        if (step.State.IsDrained)
        {
            return;
        }

        if (step.State.Surge is { Candidate: { } index } surge && step.Find(index) is { Kind: SeatKind.Surge, IsStaying: true } candidate)
        {
            GoOnWith(step, surge, candidate);
            return;
        }

        if (step.State.Surge is { Outgoing: { } outgoing } && step.Find(outgoing) is { IsStaying: false })
        {
            return;
        }

        step.State = step.State with { Surge = null };
        if (step.State.Reload is { Settings: { } settings } reload)
        {
            GoOnWithReload(step, reload, settings);
        }
        else
        {
            BeginNext(step);
        }
    }

    /// <summary>A worker was lost whose replacement is already on its way: that replacement takes its place, and no other is started.</summary>
    public static bool TakesPlaceOf(StepContext step, WorkerHandle lost, WorkerHandle replacement)
    {
        if (step.State.Surge is not { Candidate: { } index, Outgoing: { } outgoing } || outgoing != lost.Index || step.Find(index) is not { } candidate)
        {
            return false;
        }

        step.Put(candidate with
        {
            Kind = SeatKind.Active,
            Restarts = candidate.Restarts + replacement.Restarts,
            LastExit = replacement.LastExit,
            Replaces = replacement.Replaces,
        });
        step.State = step.State with { Surge = null };
        return true;
    }

    /// <summary>A replacement was lost before it could prove itself: its replacement becomes the candidate.</summary>
    public static void CandidateLost(StepContext step, WorkerHandle lost, WorkerHandle replacement)
    {
        if (step.State.Surge is { } surge && surge.Candidate == lost.Index)
        {
            step.State = step.State with { Surge = surge with { Candidate = replacement.Index } };
        }
    }

    /// <summary>The worker should be replaced; the first reason given is kept.</summary>
    public static void MarkDue(StepContext step, WorkerHandle worker, ExitReason reason)
    {
        if (worker.Due is null)
        {
            step.Put(worker with { Due = reason, DueSince = step.Now });
        }
    }

    private static bool HasProvedItself(StepContext step, WorkerHandle candidate) =>
        candidate is { Phase: WorkerPhase.Serving, HasReportedServing: true, ServingSince: { } since }
        && step.Now - since >= Nanoseconds.Of(ArbiterSettings.ProbationTime);

    private static void GoOnWith(StepContext step, Surge surge, WorkerHandle candidate)
    {
        var outgoing = surge.Outgoing is { } index ? step.Find(index) : OldestOfOtherGeneration(step);
        if (outgoing is not { IsStaying: true } || (outgoing.Due is null && surge.Reason != ExitReason.Reload))
        {
            // Fewer workers are wanted now than when this replacement began.
            step.State = step.State with { Surge = null };
            Termination.Dismiss(step, candidate, ExitReason.ScaleDown);
        }
        else if (HasProvedItself(step, candidate))
        {
            step.Put(TakingOverFrom(candidate, outgoing));
            Termination.Dismiss(step, outgoing, surge.Reason);
            step.State = step.State with { Surge = new Surge(null, outgoing.Index, surge.Reason) };
        }
    }

    private static WorkerHandle TakingOverFrom(WorkerHandle candidate, WorkerHandle outgoing) => candidate with
    {
        Kind = SeatKind.Active,
        Restarts = candidate.Restarts + outgoing.Restarts + (outgoing.Pid is null ? 0 : 1),
        LastExit = candidate.LastExit ?? outgoing.LastExit,
        Replaces = outgoing.Index,
    };

    private static void GoOnWithReload(StepContext step, Reload reload, ArbiterSettings settings)
    {
        if (OldestOfOtherGeneration(step) is null)
        {
            if (reload.IsRollback || step.Active.All(seat => seat.Phase == WorkerPhase.Serving))
            {
                Reloading.Finish(step, reload, settings);
            }

            return;
        }

        var candidate = Launching.Spawn(step, SeatKind.Surge, reload.Generation, settings);
        step.State = step.State with { Surge = new Surge(candidate.Index, null, ExitReason.Reload) };
    }

    // Workers that are not serving go first.
    private static WorkerHandle? OldestOfOtherGeneration(StepContext step) =>
        step.State.Reload is not { } reload ? null : step.Active
            .Where(seat => seat.Generation != reload.Generation)
            .OrderBy(seat => seat.Phase == WorkerPhase.Serving)
            .ThenBy(seat => seat.SpawnedAt)
            .ThenBy(seat => seat.Index)
            .FirstOrDefault();

    private static void BeginNext(StepContext step)
    {
        var next = step.Active.Where(worker => worker is { Due: not null, Phase: WorkerPhase.Serving })
            .OrderBy(worker => worker.DueSince)
            .ThenBy(worker => worker.Index)
            .FirstOrDefault();
        if (next is not { Due: { } reason } || step.Active.Any(seat => seat.Phase != WorkerPhase.Serving))
        {
            return;
        }

        step.Say(new WorkerDueNotice(next.Index, next.Pid!.Value, reason));
        if (WorkerAssignments.FindStandby(step) is { } standby)
        {
            WorkerAssignments.TakeOver(step, TakingOverFrom(standby, next));
            Termination.Dismiss(step, next, reason);
            step.State = step.State with { Surge = new Surge(null, next.Index, reason) };
        }
        else
        {
            var candidate = Launching.Spawn(step, SeatKind.Surge);
            step.State = step.State with { Surge = new Surge(candidate.Index, next.Index, reason) };
        }
    }
}
