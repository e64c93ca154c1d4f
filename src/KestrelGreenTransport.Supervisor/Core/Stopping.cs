namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How the supervisor stops. A stop only gets more urgent: graceful, quick, immediate.</summary>
internal static class Stopping
{
    public static void Requested(StepContext step, StopKind kind)
    {
        switch (step.State.Stop, kind)
        {
            case (null, _):
            case (StopKind.Graceful, StopKind.Quick):
                step.Say(new StoppingNotice(kind, step.Workers.Count(worker => worker.Phase != WorkerPhase.Backoff)));
                DrainAll(step, kind);
                break;
            case (StopKind.Quick, StopKind.Quick):
                KillAll(step, "a second quick stop was requested");
                break;
        }
    }

    /// <summary>Asks every worker to leave.</summary>
    public static void DrainAll(StepContext step, StopKind kind)
    {
        Begin(step, kind);
        foreach (var worker in step.Workers)
        {
            if (worker.Phase is not (WorkerPhase.Suspect or WorkerPhase.Killing))
            {
                var within = kind == StopKind.Quick ? ArbiterSettings.QuickTimeout : worker.Settings.GracefulTimeout + ArbiterSettings.GraceMargin;
                Termination.Drain(step, worker, ExitReason.Stop, within);
            }
        }
    }

    /// <summary>Kills every worker except those that are writing their stacks: they end shortly anyway.</summary>
    public static void KillAllButSuspects(StepContext step)
    {
        Begin(step, StopKind.Quick);
        foreach (var worker in step.Workers)
        {
            if (worker.Phase is not (WorkerPhase.Suspect or WorkerPhase.Killing))
            {
                Termination.Kill(step, worker);
            }
        }
    }

    private static void KillAll(StepContext step, string why)
    {
        foreach (var worker in step.Workers)
        {
            if (worker.Phase != WorkerPhase.Killing)
            {
                Termination.KillLate(step, worker, why);
            }
        }
    }

    /// <summary>Asks every worker to leave, while the supervisor keeps the sockets: clients wait in the queue until a reload.</summary>
    public static void DrainAllAndStay(StepContext step)
    {
        if (step.IsStopping || step.State.IsDrained)
        {
            return;
        }

        step.State = step.State with { IsDrained = true };
        var notice = new DrainedNotice(step.Staying.Count(worker => worker.Phase != WorkerPhase.Backoff));
        step.Say(notice);
        Reloading.Fail(step, notice);
        step.State = step.State with { Surge = null };
        foreach (var worker in step.Staying)
        {
            Termination.Dismiss(step, worker, ExitReason.Stop);
        }
    }

    /// <summary>Removes seats without a process, and starts nothing new.</summary>
    private static void Begin(StepContext step, StopKind kind)
    {
        if (step.State is { Stop: null, Preparing: not null })
        {
            step.Do(new CancelPreparation());
        }

        step.State = step.State with { Stop = kind, Phase = SupervisorPhase.Stopping };
        Reloading.Fail(step, new StoppingNotice(kind, step.Workers.Count()));
        step.State = step.State with { Surge = null };
        foreach (var seat in step.Workers)
        {
            if (seat.Phase == WorkerPhase.Backoff)
            {
                step.Remove(seat);
            }
        }
    }
}
