using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

// Why a worker is ended is recorded before it is ended, and never overwritten: a worker that we kill is never
// mistaken for one that died by itself.
// A process that is still being started cannot be signalled: only its phase changes, and Launching.Spawned catches up.

/// <summary>The ways to end a worker: ask it (drain), have it write its stacks (abort), kill it.</summary>
internal static class Termination
{
    /// <summary>Asks the worker to finish and leave within this time. An earlier deadline is kept.</summary>
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

    /// <summary>The seat is no longer wanted: its process finishes and leaves.</summary>
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

    /// <summary>The worker leaves by itself, with as much time as if it had been asked.</summary>
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

    /// <summary>The worker is told less time than it has: the margin is for its shutdown around the drain.</summary>
    public static void TellToDrain(Turn turn, WorkerHandle worker)
    {
        var left = worker.Deadline!.Value - turn.Now - Nanoseconds.Of(ArbiterSettings.GraceMargin);
        turn.Do(new DrainWorker(worker.Index, Nanoseconds.ToTimeSpan(Math.Max(0, left))));
    }

    /// <summary>Has the worker write its stacks; <see cref="Kill"/> follows once they are written, or at the deadline.</summary>
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

    /// <summary>Like <see cref="Kill"/>, for a worker that had its chance to leave.</summary>
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
                    ? $"it did not exit within the {Duration.Format(ArbiterSettings.QuickTimeout)} of a quick stop"
                    : $"it did not exit within GracefulTimeout ({Duration.Format(worker.Settings.GracefulTimeout)}) plus {Duration.Format(ArbiterSettings.GraceMargin)}");
                break;
            case WorkerPhase.Killing:
                KillLate(turn, worker, $"it is still running {Duration.Format(ArbiterSettings.KillAgainAfter)} after SIGKILL: it hangs in the kernel (uninterruptible sleep)");
                break;
        }
    }
}
