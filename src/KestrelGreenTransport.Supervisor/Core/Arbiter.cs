using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

// From the start until a stop there are exactly Target active seats: a worker that is lost gets one heir, in the same step.
// An index belongs to one process at most, for all of its life.
// A worker is ended for one reason, which is written down first; its death then spawns nothing.
// No worker that sends heartbeats is ended unless that was asked for. A pause of the supervisor itself ends no worker.
// Once a worker has served, the supervisor never gives up.
// Leave comes once, last, and only when no process is left.

/// <summary>
/// Decides purely: (state, event, now) → (state, effects). No clock, no randomness, no I/O: the same story always
/// ends the same way.
/// </summary>
internal static class Arbiter
{
    /// <param name="state">What is known.</param>
    /// <param name="happened">What happened. A fact about a worker that is not there (any more) is ignored.</param>
    /// <param name="now">Monotonic nanoseconds.</param>
    public static (SupervisorState State, ImmutableArray<Effect> Effects) Step(SupervisorState state, SupervisorEvent happened, long now)
    {
        if (state.Phase == SupervisorPhase.Stopped)
        {
            return (state, []);
        }

        var turn = new Turn(state, now);
        Liveness.ForgiveOwnPause(turn);
        Take(turn, happened);
        Conclude(turn);
        return (turn.State with { LastStepAt = now }, turn.Effects);
    }

    private static void Take(Turn turn, SupervisorEvent happened)
    {
        switch (happened)
        {
            case Started when !turn.IsStopping:
                Launching.Begin(turn);
                break;
            case Tick:
                TimeWentBy(turn);
                break;
            case StopRequested stop:
                Stopping.Requested(turn, stop.Kind);
                break;
            case ScaleRequested scale:
                Scaling.To(turn, scale.Workers);
                break;
            case ScaleByRequested scale:
                Scaling.To(turn, turn.State.Target + scale.Delta);
                break;

            case ReloadRequested:
                Reloading.Requested(turn);
                break;
            case Prepared prepared when prepared.Generation == turn.State.Preparing:
                Reloading.Prepared(turn, prepared);
                break;
            case PreparationFailed failed when failed.Generation == turn.State.Preparing:
                Reloading.PreparationFailed(turn, failed.Generation, failed.Message);
                break;
            case LeadGiven:
                turn.State = turn.State with { HasLead = true };
                break;
            case RestartRequested restart:
                Recycling.RestartRequested(turn, restart.Index);
                break;
            case DrainRequested drain:
                Recycling.DrainRequested(turn, drain.Index);
                break;
            case DrainAllRequested:
                Stopping.DrainAllAndStay(turn);
                break;

            case WorkerSpawned spawned when turn.FindAwaited(spawned.Index) is { } seat:
                Launching.Spawned(turn, seat, spawned.Pid);
                break;
            case WorkerSpawnFailed failed when turn.FindAwaited(failed.Index) is { } seat:
                SpawnFailed(turn, seat, failed.Error);
                break;

            case WorkerSaidHello hello when turn.FindLiving(hello.Index) is { } worker:
                Launching.SaidHello(turn, worker);
                break;
            case WorkerReady ready when turn.FindLiving(ready.Index) is { } worker:
                Launching.Ready(turn, worker);
                break;
            case WorkerWarmed warmed when turn.FindLiving(warmed.Index) is { } worker:
                Launching.Warmed(turn, worker, warmed.Problem, warmed.TimedOut);
                break;
            case WorkerMeasured measured when turn.FindLiving(measured.Index) is { } worker:
                Recycling.Measured(turn, worker, measured.Requests, measured.RssBytes);
                break;
            case WorkerBeat beat when turn.FindLiving(beat.Index) is { } worker:
                Liveness.Beat(turn, worker, beat.BeatAt, beat.State);
                break;
            case WorkerExamined examined when turn.FindLiving(examined.Index) is { } worker:
                Hangs.Examined(turn, worker, examined.Board, examined.IsStopped);
                break;
            case WorkerExcused excused when turn.FindLiving(excused.Index) is { } worker:
                Hangs.Excused(turn, worker, excused.Time);
                break;
            case WorkerRequestOverdue overdue when turn.FindLiving(overdue.Index) is { } worker:
                Hangs.RequestOverdue(turn, worker, overdue.Request);
                break;
            case WorkerSaidOutOfMemory said when turn.FindLiving(said.Index) is { } worker:
                turn.Put(worker with { SaidOutOfMemory = true });
                break;
            case WorkerResigned resigned when turn.FindLiving(resigned.Index) is { } worker:
                Leading.Resigned(turn, worker);
                break;
            case WorkerFailedToStart failed when turn.FindLiving(failed.Index) is { } worker:
                GivingUp.FailedToStart(turn, worker, failed.ExitCode, failed.Message);
                break;
            case WorkerListensByItself listens when turn.FindLiving(listens.Index) is { } worker:
                GivingUp.ListensByItself(turn, worker, listens.Endpoint);
                break;
            case WorkerAbortFinished { Index: var index } when turn.FindLiving(index) is { Phase: WorkerPhase.Suspect } worker:
                Termination.Kill(turn, worker);
                break;
            case WorkerExited exited when turn.FindLiving(exited.Index) is { } worker:
                Exited(turn, worker, exited);
                break;
        }
    }

    private static void TimeWentBy(Turn turn)
    {
        // What is done to one worker may change another: each is looked up again.
        foreach (var index in turn.State.Workers.Keys)
        {
            switch (turn.Find(index))
            {
                case { Phase: WorkerPhase.Backoff } seat when turn.IsDue(seat):
                    Launching.Spawn(turn, seat);
                    break;
                case { Stays: true } worker:
                    Recycling.Judge(turn, worker);
                    Liveness.Judge(turn, turn.Find(index)!);
                    break;
                case { Stays: false } worker when turn.IsDue(worker):
                    Termination.Overdue(turn, worker);
                    break;
            }
        }
    }

    private static void SpawnFailed(Turn turn, WorkerHandle seat, string error)
    {
        if (seat.Stays)
        {
            Succession.AfterSpawnFailure(turn, seat, error);
        }
        else
        {
            turn.Remove(seat);
        }
    }

    private static void Exited(Turn turn, WorkerHandle worker, WorkerExited exited)
    {
        if (!turn.IsStopping)
        {
            turn.Do(new TellSiblings(worker.Index));
        }

        var exit = new LastExit(worker.Ending ?? ReasonOf(worker, exited), exited.Status, turn.Now, worker.Verdict)
        {
            Index = worker.Index,
            Pid = worker.Pid!.Value,
        };
        if (worker.Stays)
        {
            Succession.AfterDeath(turn, worker, exit);
        }
        else
        {
            turn.Remove(worker);
            turn.Say(new WorkerLeftNotice(worker.Index, worker.Pid!.Value, exit));
            Succession.TellHeir(turn, worker, exit);
        }

        Remember(turn, worker, exit);
    }

    // The worker that took over shows exactly this exit as its last one.
    private static void Remember(Turn turn, WorkerHandle worker, LastExit exit)
    {
        var heir = turn.Workers.FirstOrDefault(one => ReferenceEquals(one.LastExit, exit));
        var ended = turn.State.Ended.Add(new EndedWorker(worker.Generation, exit, heir?.Index));
        turn.State = turn.State with { Ended = ended.Count > ArbiterSettings.MostEnded ? ended.RemoveAt(0) : ended };
    }

    // For a death of its own. What was ended by us keeps our reason, and is never taken for out of memory.
    private static ExitReason ReasonOf(WorkerHandle worker, WorkerExited exited) => exited switch
    {
        { WasKilledForMemory: true } => ExitReason.OutOfMemory,
        { Status.Code: 0 } => ExitReason.Exited,
        _ => worker.SaidOutOfMemory ? ExitReason.OutOfMemory : ExitReason.Crash,
    };

    private static void Conclude(Turn turn)
    {
        if (!turn.IsStopping)
        {
            Places.Arrange(turn);
            Renewal.Advance(turn);
            turn.State = turn.State with { Phase = PhaseOf(turn) };
            Reloading.BeginIfAsked(turn);
        }
        else if (turn.State is { Workers.IsEmpty: true, Preparing: null })
        {
            turn.State = turn.State with { Phase = SupervisorPhase.Stopped };
            turn.Do(new Leave(turn.State.ExitCode));
            return;
        }

        Leading.Arrange(turn);
    }

    private static SupervisorPhase PhaseOf(Turn turn)
    {
        if (turn.State.Reload is not null)
        {
            return SupervisorPhase.Reloading;
        }

        if (turn.Active.Count(worker => worker.Phase == WorkerPhase.Serving) >= turn.State.Target)
        {
            return SupervisorPhase.Running;
        }

        var everyFirstTryIsOn = turn.State is { Phase: SupervisorPhase.Starting, IsDrained: false } && turn.Staying.All(seat => seat.FailuresInARow == 0);
        return everyFirstTryIsOn ? SupervisorPhase.Starting : SupervisorPhase.Degraded;
    }
}
