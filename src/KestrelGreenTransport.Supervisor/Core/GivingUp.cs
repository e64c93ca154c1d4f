namespace KestrelGreenTransport.Supervisor.Core;

// Until a worker has served, an operator is watching the terminal, and a broken app must end with an exit code.
// From then on the supervisor never gives up: an app that has served may serve again.

/// <summary>When to stop trying.</summary>
internal static class GivingUp
{
    /// <summary>Whether no worker ever served, and every seat has failed too often or hung at boot.</summary>
    public static bool IsDue(StepContext step) =>
        !step.State.EverServed
        && step.Staying.All(seat => seat.BootTimedOut || seat.FailuresInARow >= ArbiterSettings.BootAttempts);

    /// <param name="step">The step.</param>
    /// <param name="index">The worker that failed last: its output is the most useful.</param>
    public static void BootFailure(StepContext step, int index)
    {
        step.Say(new BootFailureNotice(index, step.State.EverHello));
        step.State = step.State with { ExitCode = ExitCodes.BootFailure };
        Stopping.KillAllButSuspects(step);
    }

    /// <summary>The worker reports why it cannot start. If any worker has ever served, the report only explains its death.</summary>
    public static void FailedToStart(StepContext step, WorkerHandle worker, int exitCode, string message)
    {
        if (step.State.EverServed)
        {
            step.Say(new WorkerFailedToStartNotice(worker.Index, worker.Pid!.Value, message));
        }
        else if (worker.IsStaying)
        {
            NotStartable(step, worker, exitCode, message);
        }
    }

    /// <summary>
    /// The app listens on a socket of its own before it has said hello. That alone is not an error: the socket may be for
    /// another purpose, and UseGreenTransport() may follow. It is logged after a while, and decided at BootTimeout.
    /// </summary>
    public static void ListensByItself(StepContext step, WorkerHandle worker, string endpoint)
    {
        if (step.State.EverServed || !worker.IsStaying || worker.SaidHello)
        {
            return;
        }

        if (worker.OwnEndpoint != endpoint)
        {
            step.Put(worker with { OwnEndpoint = endpoint, OwnEndpointSince = step.Now });
        }
        else if (!worker.IsOwnEndpointTold && step.Now - worker.OwnEndpointSince >= Nanoseconds.Of(ArbiterSettings.OwnEndpointToldAfter))
        {
            step.Put(worker with { IsOwnEndpointTold = true });
            step.Say(new WorkerListensByItselfNotice(worker.Index, worker.Pid!.Value, endpoint, worker.Settings.BootTimeout));
        }
    }

    /// <summary>BootTimeout has passed without a hello. Returns true if the cause is known and a retry would not help.</summary>
    public static bool NeverCalled(StepContext step, WorkerHandle worker)
    {
        if (step.State.EverServed || worker is { SaidHello: true } or { OwnEndpoint: null } || !worker.IsStaying)
        {
            return false;
        }

        NotStartable(
            step,
            worker,
            ExitCodes.AppNotStartable,
            $"the app listens on {worker.OwnEndpoint} by itself and never called builder.WebHost.UseGreenTransport(): add that line to its Program.cs, before builder.Build()");
        return true;
    }

    private static void NotStartable(StepContext step, WorkerHandle worker, int exitCode, string message)
    {
        step.Say(new AppNotStartableNotice(worker.Index, message, exitCode));
        step.State = step.State with { ExitCode = exitCode };
        Stopping.DrainAll(step, StopKind.Quick);
    }
}
