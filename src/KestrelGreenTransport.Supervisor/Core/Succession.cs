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
    public static void AfterDeath(Turn turn, WorkerHandle dead, LastExit exit)
    {
        turn.Remove(dead);
        var heir = HeirOf(turn, dead, servedUntil: turn.Now) with { LastExit = exit };
        Install(turn, dead, heir, FirstRetry.AtOnce, restartIn => new WorkerDiedNotice(dead.Index, dead.Pid!.Value, exit, restartIn));
    }

    /// <summary>A worker's beat is overdue. Its heir starts without waiting for it to die.</summary>
    public static void AfterStaleVerdict(Turn turn, WorkerHandle stale, TimeSpan silence)
    {
        // Silence does not count as service: that ended with the last beat.
        var heir = HeirOf(turn, stale, servedUntil: turn.Now - Nanoseconds.Of(silence)) with { Replaces = stale.Index };
        Install(turn, stale, heir, FirstRetry.AtOnce, restartIn => new WorkerStaleNotice(
            stale.Index, stale.Pid!.Value, silence, stale.Settings.Timeout, stale.Verdict ?? Verdict.NoHeartbeat, restartIn));
    }

    /// <summary>A request hangs in a serving worker, and the settings say to end the worker for it.</summary>
    public static void AfterHungRequest(Turn turn, WorkerHandle hung, SlowRequest request)
    {
        var heir = HeirOf(turn, hung, servedUntil: turn.Now) with { Replaces = hung.Index };
        Install(turn, hung, heir, FirstRetry.AtOnce, restartIn => new SlowRequestNotice(hung.Index, hung.Pid!.Value, request, IsKilled: true, restartIn));
    }

    /// <summary>
    /// A worker hangs at boot. Its heir waits even the first time, so that workers started together, which usually hang too,
    /// are judged before another process is started in vain.
    /// </summary>
    public static void AfterBootTimeout(Turn turn, WorkerHandle hung)
    {
        var heir = HeirOf(turn, hung, servedUntil: turn.Now) with { Replaces = hung.Index, BootTimedOut = true };
        Install(turn, hung, heir, FirstRetry.AfterPause, restartIn => new WorkerBootTimeoutNotice(hung.Index, hung.Pid!.Value, hung.Settings.BootTimeout, restartIn));
    }

    /// <summary>No process could be started for this seat. The retry waits even the first time: a full process table needs a moment.</summary>
    public static void AfterSpawnFailure(Turn turn, WorkerHandle seat, string error)
    {
        turn.Remove(seat);
        var heir = HeirOf(turn, seat, servedUntil: turn.Now) with { Replaces = seat.Replaces };
        Install(turn, seat, heir, FirstRetry.AfterPause, retryIn => new SpawnFailedNotice(seat.Index, error, retryIn));
    }

    /// <summary>A worker shuts down without being asked (it was sent SIGTERM, say). It accepts no more clients, so its heir starts at once.</summary>
    public static void AfterLeavingByItself(Turn turn, WorkerHandle leaving)
    {
        var heir = HeirOf(turn, leaving, servedUntil: turn.Now) with { Replaces = leaving.Index };
        Install(turn, leaving, heir, FirstRetry.AtOnce, restartIn => new WorkerLeavingNotice(leaving.Index, leaving.Pid!.Value, restartIn));
    }

    /// <summary>A worker was told to leave before its replacement exists. That does not count as a failure.</summary>
    public static void AfterDrainRequest(Turn turn, WorkerHandle leaving)
    {
        var heir = HeirOf(turn, leaving, servedUntil: turn.Now) with { Replaces = leaving.Index, FailuresInARow = leaving.FailuresInARow };
        Install(turn, leaving, heir, FirstRetry.AtOnce, restartIn => new WorkerDrainedNotice(leaving.Index, leaving.Pid!.Value, restartIn));
    }

    /// <summary>If the reaped process already has an heir, the heir records how it ended.</summary>
    public static void TellHeir(Turn turn, WorkerHandle reaped, LastExit exit)
    {
        if (turn.Workers.FirstOrDefault(worker => worker.Replaces == reaped.Index) is { } heir)
        {
            turn.Put(heir with { LastExit = exit, Replaces = null });
        }
    }

    private static WorkerHandle HeirOf(Turn turn, WorkerHandle lost, long servedUntil)
    {
        var wasHealthy = lost.ReadySince is { } since && servedUntil - since >= Nanoseconds.Of(ArbiterSettings.HealthyAfter);
        var processesHere = lost.Pid is null ? 0 : 1;
        return new WorkerHandle
        {
            Index = turn.LowestFreeIndex(),
            Generation = turn.State.Generation,
            Settings = turn.Settings,
            Kind = lost.Kind,
            Phase = WorkerPhase.Backoff,
            FailuresInARow = wasHealthy ? 1 : lost.FailuresInARow + 1,
            BootTimedOut = lost.BootTimedOut,
            Restarts = lost.Restarts + processesHere,
            LastExit = lost.LastExit,
        };
    }

    /// <summary>Puts the heir in its seat, unless this loss is the reason to give up; reports what happened and what comes next.</summary>
    private static void Install(Turn turn, WorkerHandle lost, WorkerHandle heir, FirstRetry firstRetry, Func<TimeSpan?, Notice> notice)
    {
        if (Reloading.IsOnTrial(turn, lost))
        {
            // Workers on trial have no heirs: the generation in force stays.
            turn.Say(notice(null));
            Reloading.Fail(turn, notice(null));
            return;
        }

        if (Renewal.TakesPlaceOf(turn, lost, heir))
        {
            turn.Say(notice(TimeSpan.Zero));
            return;
        }

        var rank = firstRetry == FirstRetry.AtOnce ? heir.FailuresInARow : Math.Max(2, heir.FailuresInARow);
        var (delay, random) = Backoff.Before(rank, turn.State.Random);
        turn.State = turn.State with { Random = random };
        heir = heir with { Deadline = turn.After(delay) };
        turn.Put(heir);
        Renewal.CandidateLost(turn, lost, heir);

        if (GivingUp.IsDue(turn))
        {
            turn.Say(notice(null));
            GivingUp.BootFailure(turn, lost.Index);
            return;
        }

        turn.Say(notice(delay));
        if (delay == TimeSpan.Zero)
        {
            Launching.Spawn(turn, heir);
        }

        Reloading.Lost(turn, lost, notice(delay));
    }
}
