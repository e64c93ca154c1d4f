namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>When a healthy worker has reached a limit, and which workers an operator wants replaced.</summary>
internal static class Recycling
{
    public static void Measured(StepContext step, WorkerHandle worker, long requests, long rssBytes)
    {
        if (worker is not { Kind: SeatKind.Active, Phase: WorkerPhase.Serving })
        {
            return;
        }

        if (worker.RequestsLimit > 0 && requests >= worker.RequestsLimit)
        {
            Renewal.MarkDue(step, worker, ExitReason.MaxRequests);
        }
        else if (worker.Settings.MaxMemory > 0 && rssBytes >= worker.Settings.MaxMemory)
        {
            Renewal.MarkDue(step, worker, ExitReason.MaxMemory);
        }
    }

    public static void Check(StepContext step, WorkerHandle worker)
    {
        if (worker is { Kind: SeatKind.Active, Phase: WorkerPhase.Serving, Settings.MaxLifetime: { } lifetime }
            && step.Now - worker.SpawnedAt >= Nanoseconds.Of(lifetime))
        {
            Renewal.MarkDue(step, worker, ExitReason.MaxLifetime);
        }
    }

    /// <summary>Serving workers are replaced one after another; a seat that waits in backoff starts at once.</summary>
    public static void RestartRequested(StepContext step, int? index)
    {
        if (step.IsStopping || step.State.IsDrained)
        {
            return;
        }

        foreach (var worker in step.Active.Where(worker => index is null || worker.Index == index))
        {
            switch (worker.Phase)
            {
                case WorkerPhase.Serving:
                    Renewal.MarkDue(step, worker, ExitReason.Restart);
                    break;
                case WorkerPhase.Backoff:
                    Launching.Spawn(step, worker);
                    break;
            }
        }
    }

    /// <summary>An operator wants this worker out of service now: it finishes its requests while its replacement boots.</summary>
    public static void DrainRequested(StepContext step, int index)
    {
        // A reload replaces the worker anyway, and must not fail because of this request.
        if (step.IsStopping || step.State is { IsDrained: true } or { Reload: not null })
        {
            return;
        }

        switch (step.Find(index))
        {
            case { Kind: SeatKind.Active, Phase: WorkerPhase.Serving } worker:
                Termination.Dismiss(step, worker, ExitReason.Restart);
                Replacement.AfterDrainRequest(step, worker);
                break;
            case { Kind: SeatKind.Standby, Phase: WorkerPhase.Standby } standby:
                Termination.Dismiss(step, standby, ExitReason.Restart);
                break;
        }
    }
}
