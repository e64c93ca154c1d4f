using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>From the decision to have a worker to the moment at which it is ready.</summary>
internal static class Launching
{
    public static void Begin(StepContext step)
    {
        if (step.Settings.PreparesStart && step.State is { Workers.IsEmpty: true, Preparing: null })
        {
            step.State = step.State with { Preparing = step.State.Generation };
            step.Do(new Prepare(step.State.Generation));
        }
        else
        {
            FillToTarget(step);
        }
    }

    /// <summary>Opens as many active seats as the target lacks, and asks for a process for each.</summary>
    public static void FillToTarget(StepContext step)
    {
        if (step.IsStopping || step.State.IsDrained || step.State.Preparing == step.State.Generation)
        {
            return;
        }

        for (var missing = step.State.Target - step.Active.Count(); missing > 0; missing--)
        {
            _ = Spawn(step, SeatKind.Active);
        }
    }

    /// <summary>Opens a seat of the generation in force.</summary>
    public static WorkerHandle Spawn(StepContext step, SeatKind kind) => Spawn(step, kind, step.State.Generation, step.Settings);

    /// <summary>Opens a seat, and asks for a process for it.</summary>
    public static WorkerHandle Spawn(StepContext step, SeatKind kind, long generation, ArbiterSettings settings)
    {
        var seat = new WorkerHandle
        {
            Index = step.LowestFreeIndex(),
            Generation = generation,
            Settings = settings,
            Kind = kind,
            Phase = WorkerPhase.Booting,
        };
        Spawn(step, seat);
        return seat;
    }

    /// <summary>Asks for a process for this seat. One that waited in backoff may be overtaken by a reload.</summary>
    public static void Spawn(StepContext step, WorkerHandle seat)
    {
        if (seat.Phase == WorkerPhase.Backoff)
        {
            seat = seat with { Generation = step.State.Generation, Settings = step.Settings };
        }

        step.Put(seat with { Phase = WorkerPhase.Booting, Deadline = null, OwnEndpoint = null, IsOwnEndpointTold = false });
        step.Do(new SpawnWorker(seat.Index, seat.Generation));
    }

    /// <summary>The process exists. Decisions made about it during the spawn are carried out now.</summary>
    public static void Spawned(StepContext step, WorkerHandle worker, int pid)
    {
        worker = worker with { Pid = pid, SpawnedAt = step.Now };
        switch (worker.Phase)
        {
            case WorkerPhase.Booting:
                step.Put(worker with { Deadline = step.After(worker.Settings.BootTimeout) });
                break;
            case WorkerPhase.Draining:
                step.Put(worker);
                Termination.TellToDrain(step, worker);
                break;
            default:
                Termination.Kill(step, worker);
                break;
        }
    }

    public static void SaidHello(StepContext step, WorkerHandle worker)
    {
        step.Put(worker with { SaidHello = true });
        step.State = step.State with { EverHello = true };
    }

    /// <summary>The worker is booted, and its gate is closed.</summary>
    public static void Ready(StepContext step, WorkerHandle worker)
    {
        if (worker.Phase != WorkerPhase.Booting)
        {
            return;
        }

        if (worker.Settings.WarmUp is { } plan && AnyServes(step))
        {
            step.Put(worker with { Phase = WorkerPhase.Warming, WarmingSince = step.Now, Deadline = step.After(plan.Time + ArbiterSettings.WarmUpMargin) });
            step.Do(new WarmWorker(worker.Index, plan));
        }
        else
        {
            if (worker.Settings.WarmUp is not null)
            {
                step.Say(new WarmUpCutShortNotice(worker.Index, worker.Pid!.Value));
            }

            StandBy(step, worker);
        }
    }

    /// <summary>
    /// While no worker is serving, one warm-up is cut short: clients are better off with a cold worker now than with a hot one later.
    /// One worker is enough; a worker with an active seat comes before one that would stand by. Done at the end of each step.
    /// </summary>
    public static void CutWarmUpShort(StepContext step)
    {
        var warming = step.Staying.Where(static worker => worker.Phase == WorkerPhase.Warming).ToList();
        if (warming.Count > 0 && !AnyServes(step) && !step.Staying.Any(static worker => worker.Phase == WorkerPhase.Standby))
        {
            var cut = warming.MinBy(static worker => worker.Kind == SeatKind.Standby)!;
            step.Say(new WarmUpCutShortNotice(cut.Index, cut.Pid!.Value));
            StandBy(step, cut);
        }
    }

    /// <summary>The worker did not report the end of its warm-up in time. From now on it is judged by its heartbeats.</summary>
    public static void WarmUpOverdue(StepContext step, WorkerHandle worker) =>
        Warmed(step, worker, $"not finished within {Duration.Format(worker.Settings.WarmUp!.Time)} (WarmUpTime) plus {Duration.Format(ArbiterSettings.WarmUpMargin)}", timedOut: true);

    /// <summary>
    /// The worker's warm-up is over, successful or not. A new generation that cannot answer its own requests fails its reload. If a
    /// generation that has served before fails now, a database may be down, and having no worker at all would not help. A warm-up that
    /// ran out of time never counts against a worker.
    /// </summary>
    public static void Warmed(StepContext step, WorkerHandle worker, string? problem, bool timedOut)
    {
        if (worker.Phase != WorkerPhase.Warming)
        {
            return;
        }

        if (problem is not null)
        {
            var notice = new WarmUpFailedNotice(worker.Index, worker.Pid!.Value, problem);
            step.Say(notice);
            if (!timedOut && Reloading.IsOnTrial(step, worker))
            {
                Termination.Dismiss(step, worker, ExitReason.Reload);
                Reloading.Fail(step, notice);
                return;
            }
        }

        StandBy(step, worker);
    }

    // Until the previous supervisor has given up the lead, its workers are serving.
    private static bool AnyServes(StepContext step) => !step.State.HasLead || step.Staying.Any(static worker => worker.Phase == WorkerPhase.Serving);

    // From now on it is judged by its heartbeats: silence counts from now.
    private static void StandBy(StepContext step, WorkerHandle worker)
    {
        step.Put(worker with { Phase = WorkerPhase.Standby, ReadySince = step.Now, WindowFrom = step.Now, Deadline = null });
        step.Say(new WorkerReadyNotice(
            worker.Index, worker.Pid!.Value, Nanoseconds.ToTimeSpan(step.Now - worker.SpawnedAt), worker.Kind == SeatKind.Standby));
    }
}
