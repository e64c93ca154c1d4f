using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

// From the start until a stop there are exactly Target active seats: a worker that is lost gets one replacement, in the same step.
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

        var step = new StepContext(state, now);
        Liveness.ForgiveOwnPause(step);
        Take(step, happened);
        Conclude(step);
        return (step.State with { LastStepAt = now }, step.Effects);
    }

    private static void Take(StepContext step, SupervisorEvent happened)
    {
        switch (happened)
        {
            case OperationRequested asked:
                if (Operations.Begin(step, asked))
                {
                    Take(step, asked.Request);
                }

                break;
            case UpgradeRequested:
                step.Do(new BeginUpgrade());
                break;
            case UpgradeEnded ended:
                Operations.UpgradeEnded(step, ended);
                break;
            case Started when !step.IsStopping:
                Launching.Begin(step);
                break;
            case Tick:
                TimeWentBy(step);
                break;
            case StopRequested stop:
                Stopping.Requested(step, stop.Kind);
                break;
            case ScaleRequested scale:
                Scaling.To(step, scale.Workers);
                break;
            case ScaleByRequested scale:
                Scaling.To(step, step.State.Target + scale.Delta);
                break;

            case ReloadRequested:
                Reloading.Requested(step);
                break;
            case Prepared prepared when prepared.Generation == step.State.Preparing:
                Reloading.Prepared(step, prepared);
                break;
            case PreparationFailed failed when failed.Generation == step.State.Preparing:
                Reloading.PreparationFailed(step, failed.Generation, failed.Message);
                break;
            case LeadGiven:
                step.State = step.State with { HasLead = true };
                break;
            case RestartRequested restart:
                Recycling.RestartRequested(step, restart.Index);
                break;
            case DrainRequested drain:
                Recycling.DrainRequested(step, drain.Index);
                break;
            case DrainAllRequested:
                Stopping.DrainAllAndStay(step);
                break;

            case WorkerSpawned spawned when step.FindAwaited(spawned.Index) is { } seat:
                Launching.Spawned(step, seat, spawned.Pid);
                break;
            case WorkerSpawnFailed failed when step.FindAwaited(failed.Index) is { } seat:
                SpawnFailed(step, seat, failed.Error);
                break;

            case WorkerSaidHello hello when step.FindLiving(hello.Index) is { } worker:
                Launching.SaidHello(step, worker);
                break;
            case WorkerReady ready when step.FindLiving(ready.Index) is { } worker:
                Launching.Ready(step, worker);
                break;
            case WorkerWarmed warmed when step.FindLiving(warmed.Index) is { } worker:
                Launching.Warmed(step, worker, warmed.Problem, warmed.TimedOut);
                break;
            case WorkerMeasured measured when step.FindLiving(measured.Index) is { } worker:
                Recycling.Measured(step, worker, measured.Requests, measured.RssBytes);
                break;
            case WorkerBeat beat when step.FindLiving(beat.Index) is { } worker:
                Liveness.Beat(step, worker, beat.BeatAt, beat.State);
                break;
            case WorkerExamined examined when step.FindLiving(examined.Index) is { } worker:
                HangDetection.Examined(step, worker, examined.Board, examined.IsStopped);
                break;
            case WorkerExcused excused when step.FindLiving(excused.Index) is { } worker:
                HangDetection.Excused(step, worker, excused.Time);
                break;
            case WorkerRequestOverdue overdue when step.FindLiving(overdue.Index) is { } worker:
                HangDetection.RequestOverdue(step, worker, overdue.Request);
                break;
            case WorkerSaidOutOfMemory said when step.FindLiving(said.Index) is { } worker:
                step.Put(worker with { SaidOutOfMemory = true });
                break;
            case WorkerResigned resigned when step.FindLiving(resigned.Index) is { } worker:
                Leading.Resigned(step, worker);
                break;
            case WorkerFailedToStart failed when step.FindLiving(failed.Index) is { } worker:
                GivingUp.FailedToStart(step, worker, failed.ExitCode, failed.Message);
                break;
            case WorkerListensByItself listens when step.FindLiving(listens.Index) is { } worker:
                GivingUp.ListensByItself(step, worker, listens.Endpoint);
                break;
            case WorkerAbortFinished { Index: var index } when step.FindLiving(index) is { Phase: WorkerPhase.Suspect } worker:
                Termination.Kill(step, worker);
                break;
            case WorkerExited exited when step.FindLiving(exited.Index) is { } worker:
                Exited(step, worker, exited);
                break;
        }
    }

    private static void TimeWentBy(StepContext step)
    {
        // What is done to one worker may change another: each is looked up again.
        foreach (var index in step.State.Workers.Keys)
        {
            switch (step.Find(index))
            {
                case { Phase: WorkerPhase.Backoff } seat when step.IsDue(seat):
                    Launching.Spawn(step, seat);
                    break;
                case { IsStaying: true } worker:
                    Recycling.Check(step, worker);
                    Liveness.Check(step, step.Find(index)!);
                    break;
                case { IsStaying: false } worker when step.IsDue(worker):
                    Termination.Overdue(step, worker);
                    break;
            }
        }
    }

    private static void SpawnFailed(StepContext step, WorkerHandle seat, string error)
    {
        if (seat.IsStaying)
        {
            Replacement.AfterSpawnFailure(step, seat, error);
        }
        else
        {
            step.Remove(seat);
        }
    }

    private static void Exited(StepContext step, WorkerHandle worker, WorkerExited exited)
    {
        if (!step.IsStopping)
        {
            step.Do(new TellSiblings(worker.Index));
        }

        var exit = new LastExit(worker.Ending ?? ReasonOf(worker, exited), exited.Status, step.Now, worker.Verdict)
        {
            Index = worker.Index,
            Pid = worker.Pid!.Value,
        };
        if (worker.IsStaying)
        {
            Replacement.AfterDeath(step, worker, exit);
        }
        else
        {
            step.Remove(worker);
            step.Say(new WorkerLeftNotice(worker.Index, worker.Pid!.Value, exit));
            Replacement.TellReplacement(step, worker, exit);
        }

        Remember(step, worker, exit);
    }

    // The worker that took over shows exactly this exit as its last one.
    private static void Remember(StepContext step, WorkerHandle worker, LastExit exit)
    {
        var replacement = step.Workers.FirstOrDefault(one => ReferenceEquals(one.LastExit, exit));
        var ended = step.State.Ended.Add(new EndedWorker(worker.Generation, exit, replacement?.Index));
        step.State = step.State with { Ended = ended.Count > ArbiterSettings.MostEnded ? ended.RemoveAt(0) : ended };
    }

    // For a death of its own. What was ended by us keeps our reason, and is never taken for out of memory.
    private static ExitReason ReasonOf(WorkerHandle worker, WorkerExited exited) => exited switch
    {
        { WasKilledForMemory: true } => ExitReason.OutOfMemory,
        { Status.Code: 0 } => ExitReason.Exited,
        _ => worker.SaidOutOfMemory ? ExitReason.OutOfMemory : ExitReason.Crash,
    };

    private static void Conclude(StepContext step)
    {
        if (!step.IsStopping)
        {
            WorkerAssignments.Arrange(step);
            Renewal.Advance(step);
            step.State = step.State with { Phase = PhaseOf(step) };
            Reloading.BeginIfAsked(step);
        }

        Operations.Conclude(step);
        if (step is { IsStopping: true, State: { Workers.IsEmpty: true, Preparing: null } })
        {
            step.State = step.State with { Phase = SupervisorPhase.Stopped };
            step.Do(new Leave(step.State.ExitCode));
            return;
        }

        Leading.Arrange(step);
    }

    private static SupervisorPhase PhaseOf(StepContext step)
    {
        if (step.State.Reload is not null)
        {
            return SupervisorPhase.Reloading;
        }

        if (step.Active.Count(worker => worker.Phase == WorkerPhase.Serving) >= step.State.Target)
        {
            return SupervisorPhase.Running;
        }

        var everyFirstTryIsOn = step.State is { Phase: SupervisorPhase.Starting, IsDrained: false } && step.Staying.All(seat => seat.FailuresInARow == 0);
        return everyFirstTryIsOn ? SupervisorPhase.Starting : SupervisorPhase.Degraded;
    }
}
