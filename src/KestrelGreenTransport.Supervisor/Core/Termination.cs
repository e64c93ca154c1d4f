using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

// Why a worker is ended is written down before it is ended, and never overwritten: a worker killed by us is never
// taken for one that died by itself.
// A process that is still being made cannot be signalled: only its phase changes, and Launching.Spawned catches up.

/// <summary>The ways a worker is ended: asked (drain), made to leave its stacks (abort), killed.</summary>
internal static class Termination
{
    /// <summary>Asks the worker to finish and leave by then. An earlier deadline stands.</summary>
    public static void Drain(Turn turn, WorkerHandle worker, ExitReason why, TimeSpan within)
    {
        var deadline = turn.After(within);
        if (worker.Phase == WorkerPhase.Draining && worker.Deadline <= deadline)
        {
            return;
        }

        worker = worker with { Phase = WorkerPhase.Draining, Ending = worker.Ending ?? why, Deadline = deadline };
        turn.Put(worker);
        if (worker.Pid is not null)
        {
            TellToDrain(turn, worker);
        }
    }

    /// <summary>The seat is not wanted any more: what runs there finishes and leaves.</summary>
    public static void Dismiss(Turn turn, WorkerHandle worker, ExitReason why)
    {
        if (worker.Phase == WorkerPhase.Backoff)
        {
            turn.Remove(worker);
        }
        else
        {
            Drain(turn, worker, why, worker.Settings.GracefulTimeout + ArbiterSettings.GraceMargin);
        }
    }

    /// <summary>The worker leaves by itself: it has as long as if it had been asked.</summary>
    public static WorkerHandle LetLeave(Turn turn, WorkerHandle worker)
    {
        worker = worker with
        {
            Phase = WorkerPhase.Draining,
            Ending = ExitReason.Exited,
            Deadline = turn.After(worker.Settings.GracefulTimeout + ArbiterSettings.GraceMargin),
        };
        turn.Put(worker);
        return worker;
    }

    /// <summary>The worker is told less time than it has: the margin is for its own shutdown around the drain.</summary>
    public static void TellToDrain(Turn turn, WorkerHandle worker)
    {
        var left = worker.Deadline!.Value - turn.Now - Nanoseconds.Of(ArbiterSettings.GraceMargin);
        turn.Do(new DrainWorker(worker.Index, Nanoseconds.ToTimeSpan(Math.Max(0, left))));
    }

    /// <summary>Has the worker write its stacks; <see cref="Kill"/> follows when they are written, or at the deadline.</summary>
    public static WorkerHandle Abort(Turn turn, WorkerHandle worker, ExitReason why)
    {
        worker = worker with { Phase = WorkerPhase.Suspect, Ending = why, Deadline = turn.After(worker.Settings.DumpTimeout ?? ArbiterSettings.AbortTimeout) };
        turn.Put(worker);
        turn.Do(new AbortWorker(worker.Index, why, worker.Verdict));
        return worker;
    }

    public static void Kill(Turn turn, WorkerHandle worker)
    {
        var lives = worker.Pid is not null;
        turn.Put(worker with
        {
            Phase = WorkerPhase.Killing,
            Ending = worker.Ending ?? ExitReason.Stop,
            Deadline = lives ? turn.After(ArbiterSettings.KillAgainAfter) : null,
        });
        if (lives)
        {
            turn.Do(new KillWorker(worker.Index));
        }
    }

    /// <summary>As <see cref="Kill"/>, for a worker that had its chance to leave.</summary>
    public static void KillLate(Turn turn, WorkerHandle worker, string why)
    {
        if (worker.Pid is { } pid)
        {
            turn.Say(new WorkerKilledNotice(worker.Index, pid, why));
        }

        Kill(turn, worker);
    }

    /// <summary>The deadline of a worker that is being ended has passed.</summary>
    public static void Overdue(Turn turn, WorkerHandle worker)
    {
        switch (worker.Phase)
        {
            case WorkerPhase.Suspect:
                Kill(turn, worker);
                break;
            case WorkerPhase.Draining:
                KillLate(turn, worker, turn.State.Stop == StopKind.Quick
                    ? $"it did not leave within the {Duration.Format(ArbiterSettings.QuickTimeout)} of a quick stop"
                    : $"it did not leave within GracefulTimeout ({Duration.Format(worker.Settings.GracefulTimeout)}) and {Duration.Format(ArbiterSettings.GraceMargin)} more");
                break;
            case WorkerPhase.Killing:
                KillLate(turn, worker, $"SIGKILL has not ended it within {Duration.Format(ArbiterSettings.KillAgainAfter)}: it hangs in the kernel (uninterruptible sleep)");
                break;
        }
    }
}
