using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>From the decision to have a worker to the moment at which it is ready.</summary>
internal static class Launching
{
    public static void Begin(Turn turn)
    {
        if (turn.Settings.PreparesStart && turn.State is { Workers.IsEmpty: true, Preparing: null })
        {
            turn.State = turn.State with { Preparing = turn.State.Generation };
            turn.Do(new Prepare(turn.State.Generation));
        }
        else
        {
            FillToTarget(turn);
        }
    }

    /// <summary>Opens as many active seats as the target lacks, and asks for a process for each.</summary>
    public static void FillToTarget(Turn turn)
    {
        if (turn.IsStopping || turn.State.IsDrained || turn.State.Preparing == turn.State.Generation)
        {
            return;
        }

        for (var missing = turn.State.Target - turn.Active.Count(); missing > 0; missing--)
        {
            _ = Spawn(turn, SeatKind.Active);
        }
    }

    /// <summary>Opens a seat of the generation in force.</summary>
    public static WorkerHandle Spawn(Turn turn, SeatKind kind) => Spawn(turn, kind, turn.State.Generation, turn.Settings);

    /// <summary>Opens a seat, and asks for a process for it.</summary>
    public static WorkerHandle Spawn(Turn turn, SeatKind kind, long generation, ArbiterSettings settings)
    {
        var seat = new WorkerHandle
        {
            Index = turn.LowestFreeIndex(),
            Generation = generation,
            Settings = settings,
            Kind = kind,
            Phase = WorkerPhase.Booting,
        };
        Spawn(turn, seat);
        return seat;
    }

    /// <summary>Asks for a process for this seat. One that waited in backoff may be overtaken by a reload.</summary>
    public static void Spawn(Turn turn, WorkerHandle seat)
    {
        if (seat.Phase == WorkerPhase.Backoff)
        {
            seat = seat with { Generation = turn.State.Generation, Settings = turn.Settings };
        }

        turn.Put(seat with { Phase = WorkerPhase.Booting, Deadline = null, OwnEndpoint = null, IsOwnEndpointTold = false });
        turn.Do(new SpawnWorker(seat.Index, seat.Generation));
    }

    /// <summary>The process exists. Decisions made about it during the spawn are carried out now.</summary>
    public static void Spawned(Turn turn, WorkerHandle worker, int pid)
    {
        worker = worker with { Pid = pid, SpawnedAt = turn.Now };
        switch (worker.Phase)
        {
            case WorkerPhase.Booting:
                turn.Put(worker with { Deadline = turn.After(worker.Settings.BootTimeout) });
                break;
            case WorkerPhase.Draining:
                turn.Put(worker);
                Termination.TellToDrain(turn, worker);
                break;
            default:
                Termination.Kill(turn, worker);
                break;
        }
    }

    public static void SaidHello(Turn turn, WorkerHandle worker)
    {
        turn.Put(worker with { SaidHello = true });
        turn.State = turn.State with { EverHello = true };
    }

    /// <summary>The worker is booted, and its gate is closed.</summary>
    public static void Ready(Turn turn, WorkerHandle worker)
    {
        if (worker.Phase != WorkerPhase.Booting)
        {
            return;
        }

        if (worker.Settings.WarmUp is { } plan && AnyServes(turn))
        {
            turn.Put(worker with { Phase = WorkerPhase.Warming, WarmingSince = turn.Now, Deadline = turn.After(plan.Time + ArbiterSettings.WarmUpMargin) });
            turn.Do(new WarmWorker(worker.Index, plan));
        }
        else
        {
            if (worker.Settings.WarmUp is not null)
            {
                turn.Say(new WarmUpCutShortNotice(worker.Index, worker.Pid!.Value));
            }

            StandBy(turn, worker);
        }
    }

    /// <summary>
    /// While no worker is serving, one warm-up is cut short: clients are better off with a cold worker now than with a hot one later.
    /// One worker is enough; a worker with an active seat comes before one that would stand by. Done at the end of each step.
    /// </summary>
    public static void CutWarmUpShort(Turn turn)
    {
        var warming = turn.Staying.Where(static worker => worker.Phase == WorkerPhase.Warming).ToList();
        if (warming.Count > 0 && !AnyServes(turn) && !turn.Staying.Any(static worker => worker.Phase == WorkerPhase.Standby))
        {
            var cut = warming.MinBy(static worker => worker.Kind == SeatKind.Standby)!;
            turn.Say(new WarmUpCutShortNotice(cut.Index, cut.Pid!.Value));
            StandBy(turn, cut);
        }
    }

    /// <summary>The worker did not report the end of its warm-up in time. From now on it is judged by its heartbeats.</summary>
    public static void WarmUpOverdue(Turn turn, WorkerHandle worker) =>
        Warmed(turn, worker, $"not finished within {Duration.Format(worker.Settings.WarmUp!.Time)} (WarmUpTime) plus {Duration.Format(ArbiterSettings.WarmUpMargin)}", timedOut: true);

    /// <summary>
    /// The worker's warm-up is over, successful or not. A new generation that cannot answer its own requests fails its reload. If a
    /// generation that has served before fails now, a database may be down, and having no worker at all would not help. A warm-up that
    /// ran out of time never counts against a worker.
    /// </summary>
    public static void Warmed(Turn turn, WorkerHandle worker, string? problem, bool timedOut)
    {
        if (worker.Phase != WorkerPhase.Warming)
        {
            return;
        }

        if (problem is not null)
        {
            var notice = new WarmUpFailedNotice(worker.Index, worker.Pid!.Value, problem);
            turn.Say(notice);
            if (!timedOut && Reloading.IsOnTrial(turn, worker))
            {
                Termination.Dismiss(turn, worker, ExitReason.Reload);
                Reloading.Fail(turn, notice);
                return;
            }
        }

        StandBy(turn, worker);
    }

    // Until the previous supervisor has given up the lead, its workers are serving.
    private static bool AnyServes(Turn turn) => !turn.State.HasLead || turn.Staying.Any(static worker => worker.Phase == WorkerPhase.Serving);

    // From now on it is judged by its heartbeats: silence counts from now.
    private static void StandBy(Turn turn, WorkerHandle worker)
    {
        turn.Put(worker with { Phase = WorkerPhase.Standby, ReadySince = turn.Now, WindowFrom = turn.Now, Deadline = null });
        turn.Say(new WorkerReadyNotice(
            worker.Index, worker.Pid!.Value, Nanoseconds.ToTimeSpan(turn.Now - worker.SpawnedAt), worker.Kind == SeatKind.Standby));
    }
}
