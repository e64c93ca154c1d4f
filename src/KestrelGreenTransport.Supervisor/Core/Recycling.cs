namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>When a healthy worker has reached a limit, and which workers an operator wants replaced.</summary>
internal static class Recycling
{
    public static void Measured(Turn turn, WorkerHandle worker, long requests, long rssBytes)
    {
        if (worker is not { Kind: SeatKind.Active, Phase: WorkerPhase.Serving })
        {
            return;
        }

        if (worker.RequestsLimit > 0 && requests >= worker.RequestsLimit)
        {
            Renewal.MarkDue(turn, worker, ExitReason.MaxRequests);
        }
        else if (worker.Settings.MaxMemory > 0 && rssBytes >= worker.Settings.MaxMemory)
        {
            Renewal.MarkDue(turn, worker, ExitReason.MaxMemory);
        }
    }

    public static void Judge(Turn turn, WorkerHandle worker)
    {
        if (worker is { Kind: SeatKind.Active, Phase: WorkerPhase.Serving, Settings.MaxLifetime: { } lifetime }
            && turn.Now - worker.SpawnedAt >= Nanoseconds.Of(lifetime))
        {
            Renewal.MarkDue(turn, worker, ExitReason.MaxLifetime);
        }
    }

    /// <summary>Serving workers are replaced one after another; a seat that waits in backoff starts at once.</summary>
    public static void RestartRequested(Turn turn, int? index)
    {
        if (turn.IsStopping || turn.State.IsDrained)
        {
            return;
        }

        foreach (var worker in turn.Active.Where(worker => index is null || worker.Index == index))
        {
            switch (worker.Phase)
            {
                case WorkerPhase.Serving:
                    Renewal.MarkDue(turn, worker, ExitReason.Restart);
                    break;
                case WorkerPhase.Backoff:
                    Launching.Spawn(turn, worker);
                    break;
            }
        }
    }

    /// <summary>An operator wants this worker out of service now: it finishes its requests while its replacement boots.</summary>
    public static void DrainRequested(Turn turn, int index)
    {
        // A reload replaces the worker anyway, and must not fail because of this request.
        if (turn.IsStopping || turn.State is { IsDrained: true } or { Reload: not null })
        {
            return;
        }

        switch (turn.Find(index))
        {
            case { Kind: SeatKind.Active, Phase: WorkerPhase.Serving } worker:
                Termination.Dismiss(turn, worker, ExitReason.Restart);
                Succession.AfterDrainRequest(turn, worker);
                break;
            case { Kind: SeatKind.Standby, Phase: WorkerPhase.Standby } standby:
                Termination.Dismiss(turn, standby, ExitReason.Restart);
                break;
        }
    }
}
