namespace KestrelGreenTransport.Supervisor.Core;

// A staying seat that loses its process gets exactly one heir, in the same step. So the staying seats are always as
// many as the target.

/// <summary>Who takes over from a lost worker, and when.</summary>
internal static class Succession
{
    /// <summary>A worker died unasked.</summary>
    public static void AfterDeath(Turn turn, WorkerHandle dead, LastExit exit)
    {
        turn.Remove(dead);
        var heir = HeirOf(turn, dead, servedUntil: turn.Now) with { Restarts = dead.Restarts + 1, LastExit = exit };
        var delay = ChooseDelay(turn, heir, atOnceIfFirst: true);
        Install(turn, heir, delay, dead.Index, restartIn => new WorkerDiedNotice(dead.Index, dead.Pid!.Value, exit, restartIn));
    }

    /// <summary>A serving worker's beat is overdue. It is dying; its heir does not wait for that.</summary>
    public static void AfterStaleVerdict(Turn turn, WorkerHandle stale, TimeSpan silence)
    {
        // Silence is no service: it ended with the last beat.
        var heir = HeirOf(turn, stale, servedUntil: turn.Now - Nanoseconds.Of(silence)) with { Restarts = stale.Restarts + 1, Replaces = stale.Index };
        var delay = ChooseDelay(turn, heir, atOnceIfFirst: true);
        Install(turn, heir, delay, stale.Index, restartIn => new WorkerStaleNotice(stale.Index, stale.Pid!.Value, silence, turn.Settings.Timeout, restartIn));
    }

    /// <summary>
    /// A worker hangs at boot. Its heir pauses even the first time: so the others of its age, which mostly hang
    /// likewise, get their verdict before a process is made in vain.
    /// </summary>
    public static void AfterBootTimeout(Turn turn, WorkerHandle hung)
    {
        var heir = HeirOf(turn, hung, servedUntil: turn.Now) with { Restarts = hung.Restarts + 1, Replaces = hung.Index, BootTimedOut = true };
        var delay = ChooseDelay(turn, heir, atOnceIfFirst: false);
        Install(turn, heir, delay, hung.Index, restartIn => new WorkerBootTimeoutNotice(hung.Index, hung.Pid!.Value, turn.Settings.BootTimeout, restartIn));
    }

    /// <summary>No process could be made for this seat. The next attempt pauses even the first time: a full process table needs a moment.</summary>
    public static void AfterSpawnFailure(Turn turn, WorkerHandle seat, string error)
    {
        turn.Remove(seat);
        var heir = HeirOf(turn, seat, servedUntil: turn.Now) with { Replaces = seat.Replaces };
        var delay = ChooseDelay(turn, heir, atOnceIfFirst: false);
        Install(turn, heir, delay, seat.Index, retryIn => new SpawnFailedNotice(seat.Index, error, retryIn));
    }

    /// <summary>The reaped process had an heir already: that one shows how it ended.</summary>
    public static void TellHeir(Turn turn, WorkerHandle reaped, LastExit exit)
    {
        if (turn.Workers.FirstOrDefault(worker => worker.Replaces == reaped.Index) is { } heir)
        {
            turn.Put(heir with { LastExit = exit, Replaces = null });
        }
    }

    private static WorkerHandle HeirOf(Turn turn, WorkerHandle lost, long servedUntil)
    {
        var wasHealthy = lost.ServingSince is { } since && servedUntil - since >= Nanoseconds.Of(ArbiterSettings.HealthyAfter);
        return new WorkerHandle
        {
            Index = turn.LowestFreeIndex(),
            Generation = turn.State.Generation,
            Phase = WorkerPhase.Backoff,
            FailuresInARow = wasHealthy ? 1 : lost.FailuresInARow + 1,
            BootTimedOut = lost.BootTimedOut,
            Restarts = lost.Restarts,
            LastExit = lost.LastExit,
        };
    }

    private static TimeSpan ChooseDelay(Turn turn, WorkerHandle heir, bool atOnceIfFirst)
    {
        var (delay, random) = atOnceIfFirst
            ? Backoff.Next(heir.FailuresInARow, turn.State.Random)
            : Backoff.NextAfterPause(heir.FailuresInARow, turn.State.Random);
        turn.State = turn.State with { Random = random };
        return delay;
    }

    private static void Install(Turn turn, WorkerHandle heir, TimeSpan delay, int lostIndex, Func<TimeSpan?, Notice> notice)
    {
        turn.Put(heir with { Deadline = turn.After(delay) });
        if (GivingUp.IsDue(turn))
        {
            turn.Say(notice(null));
            GivingUp.BootFailure(turn, lostIndex);
            return;
        }

        turn.Say(notice(delay));
        if (delay == TimeSpan.Zero)
        {
            Launching.Spawn(turn, heir);
        }
    }
}
