namespace KestrelGreenTransport.Supervisor.Core;

// No worker waits behind a closed gate while an active seat is empty: the assignment changes, not the worker.
// Workers that stand by are started only once all active seats serve: they must not hold up the serving ones.

/// <summary>Decides which workers serve and which stand by.</summary>
internal static class WorkerAssignments
{
    /// <summary>Assigns every worker to serve or to stand by. Done at the end of each step.</summary>
    public static void Arrange(StepContext step)
    {
        Launching.CutWarmUpShort(step);
        foreach (var worker in step.Staying.Where(worker => worker is { Phase: WorkerPhase.Standby, Kind: not SeatKind.Standby }))
        {
            Open(step, worker);
        }

        foreach (var seat in step.Active.Where(seat => seat.Phase != WorkerPhase.Serving))
        {
            if (FindStandby(step) is not { } standby)
            {
                break;
            }

            step.Put(seat with { Kind = SeatKind.Standby });
            TakeOver(step, standby);
        }

        KeepStandbys(step);
    }

    /// <summary>A worker that could begin to serve at once.</summary>
    public static WorkerHandle? FindStandby(StepContext step) =>
        step.Staying.FirstOrDefault(worker => worker is { Phase: WorkerPhase.Standby, Kind: SeatKind.Standby });

    public static void TakeOver(StepContext step, WorkerHandle standby)
    {
        step.Say(new WorkerTakesOverNotice(standby.Index, standby.Pid!.Value));
        Open(step, standby with { Kind = SeatKind.Active });
        if (standby.Generation != step.State.Generation && step.State.Reload is null)
        {
            // The worker was needed before a replacement of the new generation stood by: better the old worker than none, for a while.
            Renewal.MarkDue(step, step.Find(standby.Index)!, ExitReason.Reload);
        }
    }

    private static void Open(StepContext step, WorkerHandle worker)
    {
        var (extra, random) = Backoff.Draw(worker.Settings.MaxRequestsJitter, step.State.Random);
        step.Put(worker with
        {
            Phase = WorkerPhase.Serving,
            ServingSince = step.Now,
            RequestsLimit = worker.Settings.MaxRequests == 0 ? 0 : worker.Settings.MaxRequests + extra,
        });
        step.State = step.State with { EverServed = true, Random = random };
        step.Do(new OpenWorker(worker.Index));
    }

    private static void KeepStandbys(StepContext step)
    {
        if (step.State is { IsDrained: true } or { Reload: not null } or { EverServed: false } || step.Active.Any(seat => seat.Phase != WorkerPhase.Serving))
        {
            return;
        }

        var standbys = step.Staying.Where(seat => seat.Kind == SeatKind.Standby).ToList();
        foreach (var outdated in standbys.Where(seat => seat.Generation != step.State.Generation))
        {
            Termination.Dismiss(step, outdated, ExitReason.Reload);
        }

        standbys.RemoveAll(seat => seat.Generation != step.State.Generation);
        for (var missing = step.Settings.Standby - standbys.Count; missing > 0; missing--)
        {
            _ = Launching.Spawn(step, SeatKind.Standby);
        }

        foreach (var surplus in standbys.Skip(step.Settings.Standby))
        {
            Termination.Dismiss(step, surplus, ExitReason.ScaleDown);
        }
    }
}
