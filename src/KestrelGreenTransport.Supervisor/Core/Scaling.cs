namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>More workers, or fewer.</summary>
internal static class Scaling
{
    public static void To(Turn turn, int workers)
    {
        var from = turn.State.Target;
        var to = Math.Clamp(workers, 1, ArbiterSettings.MaxWorkers);
        if (turn.IsStopping || to == from)
        {
            return;
        }

        turn.State = turn.State with { Target = to };
        turn.Say(new ScalingNotice(from, to));

        // Before the start there are no seats: the start creates as many as are wanted by then.
        if (turn.State.Workers.IsEmpty)
        {
            return;
        }

        Launching.FillToTarget(turn);
        foreach (var worker in LeastLoss(turn).Take(turn.Active.Count() - to).ToList())
        {
            Termination.Dismiss(turn, worker, ExitReason.ScaleDown);
        }
    }

    /// <summary>
    /// The least needed workers first: seats without a process, workers that do not serve yet, workers that a reload would
    /// replace anyway, then the youngest.
    /// </summary>
    private static IEnumerable<WorkerHandle> LeastLoss(Turn turn) =>
        turn.Active
            .OrderBy(worker => worker.Phase switch
            {
                WorkerPhase.Backoff => 0,
                WorkerPhase.Booting or WorkerPhase.Warming => 1,
                _ => 2,
            })
            .ThenBy(worker => turn.State.Reload is { } reload && worker.Generation == reload.Generation)
            .ThenByDescending(worker => worker.SpawnedAt)
            .ThenByDescending(worker => worker.Index);
}
