namespace KestrelGreenTransport.Supervisor.Core;

// No worker of the generation in force is touched before a new one has taken its place: a broken deploy costs nothing.
// A new generation is on trial until the last worker of the old one has been replaced. The first loss among its workers ends
// the trial, and the workers already replaced are rolled back with the same care.
// Reloads requested during a reload are merged into one, which follows it.

/// <summary>How a new generation is introduced.</summary>
internal static class Reloading
{
    public static void Requested(StepContext step)
    {
        if (!step.IsStopping && step.State.ReloadsAsked == step.State.ReloadsBegun)
        {
            step.State = step.State with { ReloadsAsked = step.State.ReloadsAsked + 1 };
        }
    }

    /// <summary>Begins the reload that was requested, unless something prevents it. A start in progress comes first.</summary>
    public static void BeginIfAsked(StepContext step)
    {
        var state = step.State;
        if (state.ReloadsAsked == state.ReloadsBegun
            || state is { Reload: not null } or { Preparing: not null } or { Phase: SupervisorPhase.Starting } or { EverServed: false, IsDrained: false })
        {
            return;
        }

        var generation = state.LastGeneration + 1;
        step.State = state with
        {
            Phase = SupervisorPhase.Reloading,
            ReloadsBegun = state.ReloadsBegun + 1,
            LastGeneration = generation,
            Preparing = generation,
            Reload = new Reload { Number = state.ReloadsBegun + 1, Generation = generation, StartedAt = step.Now },
        };
        step.Say(new ReloadingNotice(generation));
        step.Do(new Prepare(generation));
    }

    public static void Prepared(StepContext step, Prepared prepared)
    {
        step.State = step.State with { Preparing = null };
        if (step.IsStopping)
        {
            return;
        }

        if (prepared.Generation == step.State.Generation)
        {
            Launching.FillToTarget(step);
        }
        else if (step.State.Reload is { } reload && reload.Generation == prepared.Generation)
        {
            if (prepared.Workers is { } workers)
            {
                Scaling.To(step, workers);
            }

            // A replacement that is booting for another worker of the current generation comes too late.
            DismissCandidate(step);
            step.State = step.State with { Reload = reload with { Settings = prepared.Settings } };
            if (step.State.IsDrained)
            {
                ComeBack(step, prepared);
            }
        }
    }

    public static void PreparationFailed(StepContext step, long generation, string message)
    {
        step.State = step.State with { Preparing = null };
        if (step.IsStopping)
        {
            return;
        }

        var notice = new PreparationFailedNotice(generation, message);
        if (generation != step.State.Generation)
        {
            Fail(step, notice);
            return;
        }

        step.Say(notice);
        step.State = step.State with { ExitCode = ExitCodes.BootFailure };
        Stopping.DrainAll(step, StopKind.Quick);
    }

    /// <summary>Whether this worker's loss would be held against the reload that is under way.</summary>
    public static bool IsOnTrial(StepContext step, WorkerHandle worker) =>
        step.State.Reload is { } reload
        && worker.Generation == reload.Generation
        && (worker.Kind == SeatKind.Surge || reload.Generation != step.State.Generation);

    /// <summary>A worker that is not on trial was lost. If all workers are coming back after a drain, this ends the reload, but the retries continue.</summary>
    public static void Lost(StepContext step, WorkerHandle worker, Notice cause)
    {
        if (step.State.Reload is { IsRollback: false } reload && IsComeBack(step, reload) && worker.Generation == reload.Generation)
        {
            Fail(step, cause);
        }
    }

    /// <summary>The current reload cannot succeed.</summary>
    public static void Fail(StepContext step, Notice cause)
    {
        if (step.State.Reload is not { } reload)
        {
            return;
        }

        if (reload.Settings is not null && !step.IsStopping)
        {
            DismissCandidate(step);
        }

        step.State = step.State with { Reload = null };
        if (reload.IsRollback)
        {
            step.Say(new RollbackFailedNotice(reload.Generation, cause));
            return;
        }

        var replaced = IsComeBack(step, reload) ? 0 : step.Active.Count(seat => seat.Generation == reload.Generation);
        step.Say(new ReloadFailedNotice(reload.Generation, step.State.Generation, cause, replaced));
        step.State = step.State with
        {
            LastReload = new ReloadOutcome(reload.Number, reload.Generation, cause),
            Reload = replaced == 0 || step.IsStopping || step.State.IsDrained ? null : new Reload
            {
                Number = reload.Number,
                Generation = step.State.Generation,
                Settings = step.Settings,
                StartedAt = step.Now,
                IsRollback = true,
            },
        };
        Launching.FillToTarget(step);
    }

    /// <summary>No worker of the old generation is left to replace.</summary>
    public static void Finish(StepContext step, Reload reload, ArbiterSettings settings)
    {
        step.State = step.State with { Reload = null, Generation = reload.Generation, Settings = settings };
        if (!reload.IsRollback)
        {
            step.State = step.State with { LastReload = new ReloadOutcome(reload.Number, reload.Generation, null) };
            step.Say(new ReloadedNotice(reload.Generation, step.Active.Count(), Nanoseconds.ToTimeSpan(step.Now - reload.StartedAt)));
        }
    }

    private static bool IsComeBack(StepContext step, Reload reload) => reload.Generation == step.State.Generation && !reload.IsRollback;

    private static void DismissCandidate(StepContext step)
    {
        foreach (var candidate in step.Staying.Where(seat => seat.Kind == SeatKind.Surge))
        {
            Termination.Dismiss(step, candidate, ExitReason.Reload);
        }

        if (step.State.Surge is { Candidate: not null })
        {
            step.State = step.State with { Surge = null };
        }
    }

    // No worker is serving, so there is nothing to protect.
    private static void ComeBack(StepContext step, Prepared prepared)
    {
        step.State = step.State with { IsDrained = false, Generation = prepared.Generation, Settings = prepared.Settings };
        Launching.FillToTarget(step);
    }
}
