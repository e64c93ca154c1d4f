namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>More workers, or fewer.</summary>
internal static class Scaling
{
    public static void To(StepContext step, int workers)
    {
        var from = step.State.Target;
        var to = Math.Clamp(workers, 1, ArbiterSettings.MaxWorkers);
        if (step.IsStopping || to == from)
        {
            return;
        }

        step.State = step.State with { Target = to };
        step.Say(new ScalingNotice(from, to));

        // Before the start there are no seats: the start creates as many as are wanted by then.
        if (step.State.Workers.IsEmpty)
        {
            return;
        }

        Launching.FillToTarget(step);
        foreach (var worker in LeastLoss(step).Take(step.Active.Count() - to).ToList())
        {
            Termination.Dismiss(step, worker, ExitReason.ScaleDown);
        }
    }

    /// <summary>
    /// The least needed workers first: seats without a process, workers that do not serve yet, workers that a reload would
    /// replace anyway, then the youngest.
    /// </summary>
    private static IEnumerable<WorkerHandle> LeastLoss(StepContext step) =>
        step.Active
            .OrderBy(worker => worker.Phase switch
            {
                WorkerPhase.Backoff => 0,
                WorkerPhase.Booting or WorkerPhase.Warming => 1,
                _ => 2,
            })
            .ThenBy(worker => step.State.Reload is { } reload && worker.Generation == reload.Generation)
            .ThenByDescending(worker => worker.SpawnedAt)
            .ThenByDescending(worker => worker.Index);
}
