namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How the supervisor stops. A stop only gets more urgent: graceful, quick, immediate.</summary>
internal static class Stopping
{
    public static void Requested(Turn turn, StopKind kind)
    {
        switch (turn.State.Stop, kind)
        {
            case (null, _):
            case (StopKind.Graceful, StopKind.Quick):
                turn.Say(new StoppingNotice(kind, turn.Workers.Count(worker => worker.Phase != WorkerPhase.Backoff)));
                DrainAll(turn, kind);
                break;
            case (StopKind.Quick, StopKind.Quick):
                KillAll(turn, "a second quick stop was requested");
                break;
        }
    }

    /// <summary>Asks every worker to leave.</summary>
    public static void DrainAll(Turn turn, StopKind kind)
    {
        Begin(turn, kind);
        foreach (var worker in turn.Workers)
        {
            if (worker.Phase is not (WorkerPhase.Suspect or WorkerPhase.Killing))
            {
                var within = kind == StopKind.Quick ? ArbiterSettings.QuickTimeout : worker.Settings.GracefulTimeout + ArbiterSettings.GraceMargin;
                Termination.Drain(turn, worker, ExitReason.Stop, within);
            }
        }
    }

    /// <summary>Kills every worker except those that are writing their stacks: they end shortly anyway.</summary>
    public static void KillAllButSuspects(Turn turn)
    {
        Begin(turn, StopKind.Quick);
        foreach (var worker in turn.Workers)
        {
            if (worker.Phase is not (WorkerPhase.Suspect or WorkerPhase.Killing))
            {
                Termination.Kill(turn, worker);
            }
        }
    }

    private static void KillAll(Turn turn, string why)
    {
        foreach (var worker in turn.Workers)
        {
            if (worker.Phase != WorkerPhase.Killing)
            {
                Termination.KillLate(turn, worker, why);
            }
        }
    }

    /// <summary>Asks every worker to leave, while the supervisor keeps the sockets: clients wait in the queue until a reload.</summary>
    public static void DrainAllAndStay(Turn turn)
    {
        if (turn.IsStopping || turn.State.IsDrained)
        {
            return;
        }

        turn.State = turn.State with { IsDrained = true };
        var notice = new DrainedNotice(turn.Staying.Count(worker => worker.Phase != WorkerPhase.Backoff));
        turn.Say(notice);
        Reloading.Fail(turn, notice);
        turn.State = turn.State with { Surge = null };
        foreach (var worker in turn.Staying)
        {
            Termination.Dismiss(turn, worker, ExitReason.Stop);
        }
    }

    /// <summary>Removes seats without a process, and starts nothing new.</summary>
    private static void Begin(Turn turn, StopKind kind)
    {
        if (turn.State is { Stop: null, Preparing: not null })
        {
            turn.Do(new CancelPreparation());
        }

        turn.State = turn.State with { Stop = kind, Phase = SupervisorPhase.Stopping };
        Reloading.Fail(turn, new StoppingNotice(kind, turn.Workers.Count()));
        turn.State = turn.State with { Surge = null };
        foreach (var seat in turn.Workers)
        {
            if (seat.Phase == WorkerPhase.Backoff)
            {
                turn.Remove(seat);
            }
        }
    }
}
