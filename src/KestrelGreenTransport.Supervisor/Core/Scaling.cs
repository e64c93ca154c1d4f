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

        // Before the start there are no seats: the start makes as many as are wanted by then.
        if (turn.State.Workers.IsEmpty)
        {
            return;
        }

        Launching.FillToTarget(turn);
        foreach (var worker in LeastLoss(turn).Take(turn.Staying.Count() - to).ToList())
        {
            Dismiss(turn, worker);
        }
    }

    /// <summary>Who is missed least comes first: those without a process, those that do not serve yet, then the youngest.</summary>
    private static IEnumerable<WorkerHandle> LeastLoss(Turn turn) =>
        turn.Staying
            .OrderBy(worker => worker.Phase switch
            {
                WorkerPhase.Backoff => 0,
                WorkerPhase.Booting => 1,
                _ => 2,
            })
            .ThenByDescending(worker => worker.SpawnedAt)
            .ThenByDescending(worker => worker.Index);

    private static void Dismiss(Turn turn, WorkerHandle worker)
    {
        if (worker.Phase == WorkerPhase.Backoff)
        {
            turn.Remove(worker);
        }
        else
        {
            Termination.Drain(turn, worker, ExitReason.ScaleDown, turn.Settings.GracefulTimeout + ArbiterSettings.GraceMargin);
        }
    }
}
