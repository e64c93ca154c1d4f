namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>From the decision to have a worker to its first beat as a serving one.</summary>
internal static class Launching
{
    /// <summary>Opens as many seats as the target lacks, and asks for a process for each.</summary>
    public static void FillToTarget(Turn turn)
    {
        for (var missing = turn.State.Target - turn.Staying.Count(); missing > 0; missing--)
        {
            Spawn(turn, new WorkerHandle
            {
                Index = turn.LowestFreeIndex(),
                Generation = turn.State.Generation,
                Phase = WorkerPhase.Booting,
            });
        }
    }

    /// <summary>Asks for a process for this seat.</summary>
    public static void Spawn(Turn turn, WorkerHandle seat)
    {
        turn.Put(seat with { Phase = WorkerPhase.Booting, Deadline = null });
        turn.Do(new SpawnWorker(seat.Index, seat.Generation));
    }

    /// <summary>The process is there. What was decided about it while it was being made is done to it now.</summary>
    public static void Spawned(Turn turn, WorkerHandle worker, int pid)
    {
        worker = worker with { Pid = pid, SpawnedAt = turn.Now };
        switch (worker.Phase)
        {
            case WorkerPhase.Booting:
                turn.Put(worker with { Deadline = turn.After(turn.Settings.BootTimeout) });
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

    /// <summary>The worker accepts connections. From here on it is judged by its beats: silence counts from now.</summary>
    public static void Ready(Turn turn, WorkerHandle worker)
    {
        if (worker.Phase != WorkerPhase.Booting)
        {
            return;
        }

        turn.Put(worker with { Phase = WorkerPhase.Serving, ServingSince = turn.Now, WindowFrom = turn.Now, Deadline = null });
        turn.State = turn.State with { EverServed = true };
        turn.Say(new WorkerReadyNotice(worker.Index, worker.Pid!.Value, Nanoseconds.ToTimeSpan(turn.Now - worker.SpawnedAt)));
    }
}
