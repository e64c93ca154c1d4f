namespace KestrelGreenTransport.Supervisor.Core;

// No worker waits behind a closed gate while a place is empty: what it is there for changes, not who it is.
// Workers that stand by are started only once all places are taken: they must not hold up the serving ones.

/// <summary>Decides which workers serve and which stand by.</summary>
internal static class Places
{
    /// <summary>Gives every worker its place. Done at the end of each step.</summary>
    public static void Arrange(Turn turn)
    {
        Launching.CutWarmUpShort(turn);
        foreach (var worker in turn.Staying.Where(worker => worker is { Phase: WorkerPhase.Standby, Kind: not SeatKind.Standby }))
        {
            Open(turn, worker);
        }

        foreach (var seat in turn.Active.Where(seat => seat.Phase != WorkerPhase.Serving))
        {
            if (FindStandby(turn) is not { } standby)
            {
                break;
            }

            turn.Put(seat with { Kind = SeatKind.Standby });
            TakeOver(turn, standby);
        }

        KeepStandbys(turn);
    }

    /// <summary>A worker that could begin to serve at once.</summary>
    public static WorkerHandle? FindStandby(Turn turn) =>
        turn.Staying.FirstOrDefault(worker => worker is { Phase: WorkerPhase.Standby, Kind: SeatKind.Standby });

    public static void TakeOver(Turn turn, WorkerHandle standby)
    {
        turn.Say(new WorkerTakesOverNotice(standby.Index, standby.Pid!.Value));
        Open(turn, standby with { Kind = SeatKind.Active });
        if (standby.Generation != turn.State.Generation && turn.State.Reload is null)
        {
            // The place was needed before an heir of the new generation stood by: better the old worker than none, for a while.
            Renewal.MarkDue(turn, turn.Find(standby.Index)!, ExitReason.Reload);
        }
    }

    private static void Open(Turn turn, WorkerHandle worker)
    {
        var (extra, random) = Backoff.Draw(worker.Settings.MaxRequestsJitter, turn.State.Random);
        turn.Put(worker with
        {
            Phase = WorkerPhase.Serving,
            ServingSince = turn.Now,
            RequestsLimit = worker.Settings.MaxRequests == 0 ? 0 : worker.Settings.MaxRequests + extra,
        });
        turn.State = turn.State with { EverServed = true, Random = random };
        turn.Do(new OpenWorker(worker.Index));
    }

    private static void KeepStandbys(Turn turn)
    {
        if (turn.State is { IsDrained: true } or { Reload: not null } or { EverServed: false } || turn.Active.Any(seat => seat.Phase != WorkerPhase.Serving))
        {
            return;
        }

        var standbys = turn.Staying.Where(seat => seat.Kind == SeatKind.Standby).ToList();
        foreach (var outdated in standbys.Where(seat => seat.Generation != turn.State.Generation))
        {
            Termination.Dismiss(turn, outdated, ExitReason.Reload);
        }

        standbys.RemoveAll(seat => seat.Generation != turn.State.Generation);
        for (var missing = turn.Settings.Standby - standbys.Count; missing > 0; missing--)
        {
            _ = Launching.Spawn(turn, SeatKind.Standby);
        }

        foreach (var surplus in standbys.Skip(turn.Settings.Standby))
        {
            Termination.Dismiss(turn, surplus, ExitReason.ScaleDown);
        }
    }
}
