namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How the whole ends. A stop only ever gets more urgent: graceful, quick, at once.</summary>
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
                KillAll(turn, "a second quick stop was asked for");
                break;
        }
    }

    /// <summary>Asks every worker to leave.</summary>
    public static void DrainAll(Turn turn, StopKind kind)
    {
        Begin(turn, kind);
        var within = kind == StopKind.Quick ? ArbiterSettings.QuickTimeout : turn.Settings.GracefulTimeout + ArbiterSettings.GraceMargin;
        foreach (var worker in turn.Workers)
        {
            if (worker.Phase is WorkerPhase.Booting or WorkerPhase.Serving or WorkerPhase.Draining)
            {
                Termination.Drain(turn, worker, ExitReason.Stop, within);
            }
        }
    }

    /// <summary>Kills every worker, those that are writing their stacks excepted: they end by themselves shortly.</summary>
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

    /// <summary>Seats without a process vanish.</summary>
    private static void Begin(Turn turn, StopKind kind)
    {
        turn.State = turn.State with { Stop = kind, Phase = SupervisorPhase.Stopping };
        foreach (var seat in turn.Workers)
        {
            if (seat.Phase == WorkerPhase.Backoff)
            {
                turn.Remove(seat);
            }
        }
    }
}
