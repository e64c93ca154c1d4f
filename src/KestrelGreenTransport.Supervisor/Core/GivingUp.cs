namespace KestrelGreenTransport.Supervisor.Core;

// Until a worker has served, an operator is watching the terminal, and a broken app must end with an exit code.
// From then on the supervisor never gives up: an app that has served may serve again.

/// <summary>When to stop trying.</summary>
internal static class GivingUp
{
    /// <summary>Whether no worker ever served, and every seat has failed too often or hung at boot.</summary>
    public static bool IsDue(Turn turn) =>
        !turn.State.EverServed
        && turn.Staying.All(seat => seat.BootTimedOut || seat.FailuresInARow >= ArbiterSettings.BootAttempts);

    /// <param name="turn">The step.</param>
    /// <param name="index">The worker that failed last: its output is the most useful.</param>
    public static void BootFailure(Turn turn, int index)
    {
        turn.Say(new BootFailureNotice(index, turn.State.EverHello));
        turn.State = turn.State with { ExitCode = ExitCodes.BootFailure };
        Stopping.KillAllButSuspects(turn);
    }

    /// <summary>The worker reports why it cannot start. If any worker has ever served, the report only explains its death.</summary>
    public static void FailedToStart(Turn turn, WorkerHandle worker, int exitCode, string message)
    {
        if (turn.State.EverServed)
        {
            turn.Say(new WorkerFailedToStartNotice(worker.Index, worker.Pid!.Value, message));
        }
        else if (worker.Stays)
        {
            NotStartable(turn, worker, exitCode, message);
        }
    }

    /// <summary>
    /// The app listens on a socket of its own before it has said hello. That alone is not an error: the socket may be for
    /// another purpose, and UseGreenTransport() may follow. It is logged after a while, and decided at BootTimeout.
    /// </summary>
    public static void ListensByItself(Turn turn, WorkerHandle worker, string endpoint)
    {
        if (turn.State.EverServed || !worker.Stays || worker.SaidHello)
        {
            return;
        }

        if (worker.OwnEndpoint != endpoint)
        {
            turn.Put(worker with { OwnEndpoint = endpoint, OwnEndpointSince = turn.Now });
        }
        else if (!worker.IsOwnEndpointTold && turn.Now - worker.OwnEndpointSince >= Nanoseconds.Of(ArbiterSettings.OwnEndpointToldAfter))
        {
            turn.Put(worker with { IsOwnEndpointTold = true });
            turn.Say(new WorkerListensByItselfNotice(worker.Index, worker.Pid!.Value, endpoint, worker.Settings.BootTimeout));
        }
    }

    /// <summary>BootTimeout has passed without a hello. Returns true if the cause is known and a retry would not help.</summary>
    public static bool NeverCalled(Turn turn, WorkerHandle worker)
    {
        if (turn.State.EverServed || worker is { SaidHello: true } or { OwnEndpoint: null } || !worker.Stays)
        {
            return false;
        }

        NotStartable(
            turn,
            worker,
            ExitCodes.AppNotStartable,
            $"the app listens on {worker.OwnEndpoint} by itself and never called builder.WebHost.UseGreenTransport(): add that line to its Program.cs, before builder.Build()");
        return true;
    }

    private static void NotStartable(Turn turn, WorkerHandle worker, int exitCode, string message)
    {
        turn.Say(new AppNotStartableNotice(worker.Index, message, exitCode));
        turn.State = turn.State with { ExitCode = exitCode };
        Stopping.DrainAll(turn, StopKind.Quick);
    }
}
