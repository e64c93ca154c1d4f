namespace KestrelGreenTransport.Supervisor.Core;

// No worker of the generation in force is touched before a new one has taken its place: a broken deploy costs nothing.
// A new generation is on trial until the last worker of the old one has been replaced. The first loss among its workers ends
// the trial, and the workers already replaced are rolled back with the same care.
// Reloads requested during a reload are merged into one, which follows it.

/// <summary>How a new generation is introduced.</summary>
internal static class Reloading
{
    public static void Requested(Turn turn)
    {
        if (!turn.IsStopping && turn.State.ReloadsAsked == turn.State.ReloadsBegun)
        {
            turn.State = turn.State with { ReloadsAsked = turn.State.ReloadsAsked + 1 };
        }
    }

    /// <summary>Begins the reload that was requested, unless something prevents it. A start in progress comes first.</summary>
    public static void BeginIfAsked(Turn turn)
    {
        var state = turn.State;
        if (state.ReloadsAsked == state.ReloadsBegun
            || state is { Reload: not null } or { Preparing: not null } or { Phase: SupervisorPhase.Starting } or { EverServed: false, IsDrained: false })
        {
            return;
        }

        var generation = state.LastGeneration + 1;
        turn.State = state with
        {
            Phase = SupervisorPhase.Reloading,
            ReloadsBegun = state.ReloadsBegun + 1,
            LastGeneration = generation,
            Preparing = generation,
            Reload = new Reload { Number = state.ReloadsBegun + 1, Generation = generation, StartedAt = turn.Now },
        };
        turn.Say(new ReloadingNotice(generation));
        turn.Do(new Prepare(generation));
    }

    public static void Prepared(Turn turn, Prepared prepared)
    {
        turn.State = turn.State with { Preparing = null };
        if (turn.IsStopping)
        {
            return;
        }

        if (prepared.Generation == turn.State.Generation)
        {
            Launching.FillToTarget(turn);
        }
        else if (turn.State.Reload is { } reload && reload.Generation == prepared.Generation)
        {
            if (prepared.Workers is { } workers)
            {
                Scaling.To(turn, workers);
            }

            // A replacement that is booting for another worker of the current generation comes too late.
            DismissCandidate(turn);
            turn.State = turn.State with { Reload = reload with { Settings = prepared.Settings } };
            if (turn.State.IsDrained)
            {
                ComeBack(turn, prepared);
            }
        }
    }

    public static void PreparationFailed(Turn turn, long generation, string message)
    {
        turn.State = turn.State with { Preparing = null };
        if (turn.IsStopping)
        {
            return;
        }

        var notice = new PreparationFailedNotice(generation, message);
        if (generation != turn.State.Generation)
        {
            Fail(turn, notice);
            return;
        }

        turn.Say(notice);
        turn.State = turn.State with { ExitCode = ExitCodes.BootFailure };
        Stopping.DrainAll(turn, StopKind.Quick);
    }

    /// <summary>Whether this worker's loss would be held against the reload that is under way.</summary>
    public static bool IsOnTrial(Turn turn, WorkerHandle worker) =>
        turn.State.Reload is { } reload
        && worker.Generation == reload.Generation
        && (worker.Kind == SeatKind.Surge || reload.Generation != turn.State.Generation);

    /// <summary>A worker that is not on trial was lost. If all workers are coming back after a drain, this ends the reload, but the retries continue.</summary>
    public static void Lost(Turn turn, WorkerHandle worker, Notice cause)
    {
        if (turn.State.Reload is { IsRollback: false } reload && IsComeBack(turn, reload) && worker.Generation == reload.Generation)
        {
            Fail(turn, cause);
        }
    }

    /// <summary>The current reload cannot succeed.</summary>
    public static void Fail(Turn turn, Notice cause)
    {
        if (turn.State.Reload is not { } reload)
        {
            return;
        }

        if (reload.Settings is not null && !turn.IsStopping)
        {
            DismissCandidate(turn);
        }

        turn.State = turn.State with { Reload = null };
        if (reload.IsRollback)
        {
            turn.Say(new RollbackFailedNotice(reload.Generation, cause));
            return;
        }

        var replaced = IsComeBack(turn, reload) ? 0 : turn.Active.Count(seat => seat.Generation == reload.Generation);
        turn.Say(new ReloadFailedNotice(reload.Generation, turn.State.Generation, cause, replaced));
        turn.State = turn.State with
        {
            LastReload = new ReloadOutcome(reload.Number, reload.Generation, cause),
            Reload = replaced == 0 || turn.IsStopping || turn.State.IsDrained ? null : new Reload
            {
                Number = reload.Number,
                Generation = turn.State.Generation,
                Settings = turn.Settings,
                StartedAt = turn.Now,
                IsRollback = true,
            },
        };
        Launching.FillToTarget(turn);
    }

    /// <summary>No worker of the old generation is left to replace.</summary>
    public static void Finish(Turn turn, Reload reload, ArbiterSettings settings)
    {
        turn.State = turn.State with { Reload = null, Generation = reload.Generation, Settings = settings };
        if (!reload.IsRollback)
        {
            turn.State = turn.State with { LastReload = new ReloadOutcome(reload.Number, reload.Generation, null) };
            turn.Say(new ReloadedNotice(reload.Generation, turn.Active.Count(), Nanoseconds.ToTimeSpan(turn.Now - reload.StartedAt)));
        }
    }

    private static bool IsComeBack(Turn turn, Reload reload) => reload.Generation == turn.State.Generation && !reload.IsRollback;

    private static void DismissCandidate(Turn turn)
    {
        foreach (var candidate in turn.Staying.Where(seat => seat.Kind == SeatKind.Surge))
        {
            Termination.Dismiss(turn, candidate, ExitReason.Reload);
        }

        if (turn.State.Surge is { Candidate: not null })
        {
            turn.State = turn.State with { Surge = null };
        }
    }

    // No worker is serving, so there is nothing to protect.
    private static void ComeBack(Turn turn, Prepared prepared)
    {
        turn.State = turn.State with { IsDrained = false, Generation = prepared.Generation, Settings = prepared.Settings };
        Launching.FillToTarget(turn);
    }
}
