namespace KestrelGreenTransport.Supervisor.Core;

// A staying seat that loses its process gets exactly one replacement, in the same step. So the number of staying
// seats always equals the target. Only a generation on trial has no replacements: a loss there ends the trial.

/// <summary>Which worker replaces a lost one, and when.</summary>
internal static class Replacement
{
    private enum FirstRetry
    {
        AtOnce,
        AfterPause,
    }

    /// <summary>A worker died by itself.</summary>
    public static void AfterDeath(StepContext step, WorkerHandle dead, LastExit exit)
    {
        step.Remove(dead);
        var replacement = ReplacementOf(step, dead, servedUntil: step.Now) with { LastExit = exit };
        Install(step, dead, replacement, FirstRetry.AtOnce, restartIn => new WorkerDiedNotice(dead.Index, dead.Pid!.Value, exit, restartIn));
    }

    /// <summary>A worker's beat is overdue. Its replacement starts without waiting for it to die.</summary>
    public static void AfterStaleVerdict(StepContext step, WorkerHandle stale, TimeSpan silence)
    {
        // Silence does not count as service: that ended with the last beat.
        var replacement = ReplacementOf(step, stale, servedUntil: step.Now - Nanoseconds.Of(silence)) with { Replaces = stale.Index };
        Install(step, stale, replacement, FirstRetry.AtOnce, restartIn => new WorkerStaleNotice(
            stale.Index, stale.Pid!.Value, silence, stale.Settings.Timeout, stale.Verdict ?? Verdict.NoHeartbeat, restartIn));
    }

    /// <summary>A request hangs in a serving worker, and the settings say to end the worker for it.</summary>
    public static void AfterHungRequest(StepContext step, WorkerHandle hung, SlowRequest request)
    {
        var replacement = ReplacementOf(step, hung, servedUntil: step.Now) with { Replaces = hung.Index };
        Install(step, hung, replacement, FirstRetry.AtOnce, restartIn => new SlowRequestNotice(hung.Index, hung.Pid!.Value, request, IsKilled: true, restartIn));
    }

    /// <summary>
    /// A worker hangs at boot. Its replacement waits even the first time, so that workers started together, which usually hang too,
    /// are judged before another process is started in vain.
    /// </summary>
    public static void AfterBootTimeout(StepContext step, WorkerHandle hung)
    {
        var replacement = ReplacementOf(step, hung, servedUntil: step.Now) with { Replaces = hung.Index, BootTimedOut = true };
        Install(step, hung, replacement, FirstRetry.AfterPause, restartIn => new WorkerBootTimeoutNotice(hung.Index, hung.Pid!.Value, hung.Settings.BootTimeout, restartIn));
    }

    /// <summary>No process could be started for this seat. The retry waits even the first time: a full process table needs a moment.</summary>
    public static void AfterSpawnFailure(StepContext step, WorkerHandle seat, string error)
    {
        step.Remove(seat);
        var replacement = ReplacementOf(step, seat, servedUntil: step.Now) with { Replaces = seat.Replaces };
        Install(step, seat, replacement, FirstRetry.AfterPause, retryIn => new SpawnFailedNotice(seat.Index, error, retryIn));
    }

    /// <summary>A worker shuts down without being asked (it was sent SIGTERM, say). It accepts no more clients, so its replacement starts at once.</summary>
    public static void AfterLeavingByItself(StepContext step, WorkerHandle leaving)
    {
        var replacement = ReplacementOf(step, leaving, servedUntil: step.Now) with { Replaces = leaving.Index };
        Install(step, leaving, replacement, FirstRetry.AtOnce, restartIn => new WorkerLeavingNotice(leaving.Index, leaving.Pid!.Value, restartIn));
    }

    /// <summary>A worker was told to leave before its replacement exists. That does not count as a failure.</summary>
    public static void AfterDrainRequest(StepContext step, WorkerHandle leaving)
    {
        var replacement = ReplacementOf(step, leaving, servedUntil: step.Now) with { Replaces = leaving.Index, FailuresInARow = leaving.FailuresInARow };
        Install(step, leaving, replacement, FirstRetry.AtOnce, restartIn => new WorkerDrainedNotice(leaving.Index, leaving.Pid!.Value, restartIn));
    }

    /// <summary>If the reaped process already has a replacement, the replacement records how it ended.</summary>
    public static void TellReplacement(StepContext step, WorkerHandle reaped, LastExit exit)
    {
        if (step.Workers.FirstOrDefault(worker => worker.Replaces == reaped.Index) is { } replacement)
        {
            step.Put(replacement with { LastExit = exit, Replaces = null });
        }
    }

    private static WorkerHandle ReplacementOf(StepContext step, WorkerHandle lost, long servedUntil)
    {
        var wasHealthy = lost.ReadySince is { } since && servedUntil - since >= Nanoseconds.Of(ArbiterSettings.HealthyAfter);
        var processesHere = lost.Pid is null ? 0 : 1;
        return new WorkerHandle
        {
            Index = step.LowestFreeIndex(),
            Generation = step.State.Generation,
            Settings = step.Settings,
            Kind = lost.Kind,
            Phase = WorkerPhase.Backoff,
            FailuresInARow = wasHealthy ? 1 : lost.FailuresInARow + 1,
            BootTimedOut = lost.BootTimedOut,
            Restarts = lost.Restarts + processesHere,
            LastExit = lost.LastExit,
        };
    }

    /// <summary>Puts the replacement in its seat, unless this loss is the reason to give up; reports what happened and what comes next.</summary>
    private static void Install(StepContext step, WorkerHandle lost, WorkerHandle replacement, FirstRetry firstRetry, Func<TimeSpan?, Notice> notice)
    {
        if (Reloading.IsOnTrial(step, lost))
        {
            // Workers on trial have no replacements: the generation in force stays.
            step.Say(notice(null));
            Reloading.Fail(step, notice(null));
            return;
        }

        if (Renewal.TakesPlaceOf(step, lost, replacement))
        {
            step.Say(notice(TimeSpan.Zero));
            return;
        }

        var rank = firstRetry == FirstRetry.AtOnce ? replacement.FailuresInARow : Math.Max(2, replacement.FailuresInARow);
        var (delay, random) = Backoff.Before(rank, step.State.Random);
        step.State = step.State with { Random = random };
        replacement = replacement with { Deadline = step.After(delay) };
        step.Put(replacement);
        Renewal.CandidateLost(step, lost, replacement);

        if (GivingUp.IsDue(step))
        {
            step.Say(notice(null));
            GivingUp.BootFailure(step, lost.Index);
            return;
        }

        step.Say(notice(delay));
        Operations.NotStarted(step, lost, notice(delay));
        if (delay == TimeSpan.Zero)
        {
            Launching.Spawn(step, replacement);
        }

        Reloading.Lost(step, lost, notice(delay));
    }
}
