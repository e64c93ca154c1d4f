namespace KestrelGreenTransport.Supervisor.Core;

// A staying seat that loses its process gets exactly one heir (its replacement), in the same step. So the number of staying
// seats always equals the target. Only a generation on trial has no heirs: a loss there ends the trial.

/// <summary>Which worker replaces a lost one, and when.</summary>
internal static class Succession
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
        var heir = HeirOf(step, dead, servedUntil: step.Now) with { LastExit = exit };
        Install(step, dead, heir, FirstRetry.AtOnce, restartIn => new WorkerDiedNotice(dead.Index, dead.Pid!.Value, exit, restartIn));
    }

    /// <summary>A worker's beat is overdue. Its heir starts without waiting for it to die.</summary>
    public static void AfterStaleVerdict(StepContext step, WorkerHandle stale, TimeSpan silence)
    {
        // Silence does not count as service: that ended with the last beat.
        var heir = HeirOf(step, stale, servedUntil: step.Now - Nanoseconds.Of(silence)) with { Replaces = stale.Index };
        Install(step, stale, heir, FirstRetry.AtOnce, restartIn => new WorkerStaleNotice(
            stale.Index, stale.Pid!.Value, silence, stale.Settings.Timeout, stale.Verdict ?? Verdict.NoHeartbeat, restartIn));
    }

    /// <summary>A request hangs in a serving worker, and the settings say to end the worker for it.</summary>
    public static void AfterHungRequest(StepContext step, WorkerHandle hung, SlowRequest request)
    {
        var heir = HeirOf(step, hung, servedUntil: step.Now) with { Replaces = hung.Index };
        Install(step, hung, heir, FirstRetry.AtOnce, restartIn => new SlowRequestNotice(hung.Index, hung.Pid!.Value, request, IsKilled: true, restartIn));
    }

    /// <summary>
    /// A worker hangs at boot. Its heir waits even the first time, so that workers started together, which usually hang too,
    /// are judged before another process is started in vain.
    /// </summary>
    public static void AfterBootTimeout(StepContext step, WorkerHandle hung)
    {
        var heir = HeirOf(step, hung, servedUntil: step.Now) with { Replaces = hung.Index, BootTimedOut = true };
        Install(step, hung, heir, FirstRetry.AfterPause, restartIn => new WorkerBootTimeoutNotice(hung.Index, hung.Pid!.Value, hung.Settings.BootTimeout, restartIn));
    }

    /// <summary>No process could be started for this seat. The retry waits even the first time: a full process table needs a moment.</summary>
    public static void AfterSpawnFailure(StepContext step, WorkerHandle seat, string error)
    {
        step.Remove(seat);
        var heir = HeirOf(step, seat, servedUntil: step.Now) with { Replaces = seat.Replaces };
        Install(step, seat, heir, FirstRetry.AfterPause, retryIn => new SpawnFailedNotice(seat.Index, error, retryIn));
    }

    /// <summary>A worker shuts down without being asked (it was sent SIGTERM, say). It accepts no more clients, so its heir starts at once.</summary>
    public static void AfterLeavingByItself(StepContext step, WorkerHandle leaving)
    {
        var heir = HeirOf(step, leaving, servedUntil: step.Now) with { Replaces = leaving.Index };
        Install(step, leaving, heir, FirstRetry.AtOnce, restartIn => new WorkerLeavingNotice(leaving.Index, leaving.Pid!.Value, restartIn));
    }

    /// <summary>A worker was told to leave before its replacement exists. That does not count as a failure.</summary>
    public static void AfterDrainRequest(StepContext step, WorkerHandle leaving)
    {
        var heir = HeirOf(step, leaving, servedUntil: step.Now) with { Replaces = leaving.Index, FailuresInARow = leaving.FailuresInARow };
        Install(step, leaving, heir, FirstRetry.AtOnce, restartIn => new WorkerDrainedNotice(leaving.Index, leaving.Pid!.Value, restartIn));
    }

    /// <summary>If the reaped process already has an heir, the heir records how it ended.</summary>
    public static void TellHeir(StepContext step, WorkerHandle reaped, LastExit exit)
    {
        if (step.Workers.FirstOrDefault(worker => worker.Replaces == reaped.Index) is { } heir)
        {
            step.Put(heir with { LastExit = exit, Replaces = null });
        }
    }

    private static WorkerHandle HeirOf(StepContext step, WorkerHandle lost, long servedUntil)
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

    /// <summary>Puts the heir in its seat, unless this loss is the reason to give up; reports what happened and what comes next.</summary>
    private static void Install(StepContext step, WorkerHandle lost, WorkerHandle heir, FirstRetry firstRetry, Func<TimeSpan?, Notice> notice)
    {
        if (Reloading.IsOnTrial(step, lost))
        {
            // Workers on trial have no heirs: the generation in force stays.
            step.Say(notice(null));
            Reloading.Fail(step, notice(null));
            return;
        }

        if (Renewal.TakesPlaceOf(step, lost, heir))
        {
            step.Say(notice(TimeSpan.Zero));
            return;
        }

        var rank = firstRetry == FirstRetry.AtOnce ? heir.FailuresInARow : Math.Max(2, heir.FailuresInARow);
        var (delay, random) = Backoff.Before(rank, step.State.Random);
        step.State = step.State with { Random = random };
        heir = heir with { Deadline = step.After(delay) };
        step.Put(heir);
        Renewal.CandidateLost(step, lost, heir);

        if (GivingUp.IsDue(step))
        {
            step.Say(notice(null));
            GivingUp.BootFailure(step, lost.Index);
            return;
        }

        step.Say(notice(delay));
        if (delay == TimeSpan.Zero)
        {
            Launching.Spawn(step, heir);
        }

        Reloading.Lost(step, lost, notice(delay));
    }
}
