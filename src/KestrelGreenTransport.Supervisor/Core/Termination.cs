using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

// Why a worker is ended is recorded before it is ended, and never overwritten: a worker that we kill is never
// mistaken for one that died by itself.
// A process that is still being started cannot be signalled: only its phase changes, and Launching.Spawned catches up.

/// <summary>The ways to end a worker: ask it (drain), have it write its stacks (abort), kill it.</summary>
internal static class Termination
{
    /// <summary>Asks the worker to finish and leave within this time. An earlier deadline is kept.</summary>
    public static void Drain(StepContext step, WorkerHandle worker, ExitReason why, TimeSpan within)
    {
        var deadline = step.After(within);
        if (worker.Phase == WorkerPhase.Draining && worker.Deadline <= deadline)
        {
            return;
        }

        worker = worker with { Phase = WorkerPhase.Draining, Ending = worker.Ending ?? why, Deadline = deadline };
        step.Put(worker);
        if (worker.Pid is not null)
        {
            TellToDrain(step, worker);
        }
    }

    /// <summary>The seat is no longer wanted: its process finishes and leaves.</summary>
    public static void Dismiss(StepContext step, WorkerHandle worker, ExitReason why)
    {
        if (worker.Phase == WorkerPhase.Backoff)
        {
            step.Remove(worker);
        }
        else
        {
            Drain(step, worker, why, worker.Settings.GracefulTimeout + ArbiterSettings.GraceMargin);
        }
    }

    /// <summary>The worker leaves by itself, with as much time as if it had been asked.</summary>
    public static WorkerHandle LetLeave(StepContext step, WorkerHandle worker)
    {
        worker = worker with
        {
            Phase = WorkerPhase.Draining,
            Ending = ExitReason.Exited,
            Deadline = step.After(worker.Settings.GracefulTimeout + ArbiterSettings.GraceMargin),
        };
        step.Put(worker);
        return worker;
    }

    /// <summary>The worker is told less time than it has: the margin is for its shutdown around the drain.</summary>
    public static void TellToDrain(StepContext step, WorkerHandle worker)
    {
        var left = worker.Deadline!.Value - step.Now - Nanoseconds.Of(ArbiterSettings.GraceMargin);
        step.Do(new DrainWorker(worker.Index, Nanoseconds.ToTimeSpan(Math.Max(0, left))));
    }

    /// <summary>Has the worker write its stacks; <see cref="Kill"/> follows once they are written, or at the deadline.</summary>
    public static WorkerHandle Abort(StepContext step, WorkerHandle worker, ExitReason why)
    {
        worker = worker with { Phase = WorkerPhase.Suspect, Ending = why, Deadline = step.After(worker.Settings.DumpTimeout ?? ArbiterSettings.AbortTimeout) };
        step.Put(worker);
        step.Do(new AbortWorker(worker.Index, why, worker.Verdict));
        return worker;
    }

    public static void Kill(StepContext step, WorkerHandle worker)
    {
        var lives = worker.Pid is not null;
        step.Put(worker with
        {
            Phase = WorkerPhase.Killing,
            Ending = worker.Ending ?? ExitReason.Stop,
            Deadline = lives ? step.After(ArbiterSettings.KillAgainAfter) : null,
        });
        if (lives)
        {
            step.Do(new KillWorker(worker.Index));
        }
    }

    /// <summary>Like <see cref="Kill"/>, for a worker that had its chance to leave.</summary>
    public static void KillLate(StepContext step, WorkerHandle worker, string why)
    {
        if (worker.Pid is { } pid)
        {
            step.Say(new WorkerKilledNotice(worker.Index, pid, why));
        }

        Kill(step, worker);
    }

    /// <summary>The deadline of a worker that is being ended has passed.</summary>
    public static void Overdue(StepContext step, WorkerHandle worker)
    {
        switch (worker.Phase)
        {
            case WorkerPhase.Suspect:
                Kill(step, worker);
                break;
            case WorkerPhase.Draining:
                KillLate(step, worker, step.State.Stop == StopKind.Quick
                    ? $"it did not exit within the {Duration.Format(ArbiterSettings.QuickTimeout)} of a quick stop"
                    : $"it did not exit within GracefulTimeout ({Duration.Format(worker.Settings.GracefulTimeout)}) plus {Duration.Format(ArbiterSettings.GraceMargin)}");
                break;
            case WorkerPhase.Killing:
                KillLate(step, worker, $"it is still running {Duration.Format(ArbiterSettings.KillAgainAfter)} after SIGKILL: it hangs in the kernel (uninterruptible sleep)");
                break;
        }
    }
}
