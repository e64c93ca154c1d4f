using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

// A worker that serves or stands by is judged by its beats, a booting one by its boot timeout, a leaving one by its deadline alone.
// One verdict for a process: what is suspect never serves again, even if it beats once more.
// A time in which the supervisor itself did not look counts against no worker.

/// <summary>Decides which workers are alive.</summary>
internal static class Liveness
{
    public static void Beat(StepContext step, WorkerHandle worker, long beatAt, WorkerState reported)
    {
        // A beat from the future, out of a damaged file, would make the worker immortal.
        beatAt = Math.Min(beatAt, step.Now);
        worker = worker with { LastBeatAt = Math.Max(worker.LastBeatAt ?? beatAt, beatAt), LikelyVerdict = null };
        step.Put(worker);

        switch (reported, worker.Phase)
        {
            // A worker without a lifeline has no other way to say that it is ready.
            case (WorkerState.Standby or WorkerState.Serving, WorkerPhase.Booting):
                Launching.Ready(step, worker);
                break;

            case (WorkerState.Serving, WorkerPhase.Serving):
                step.Put(worker with { HasReportedServing = true });
                break;

            // It missed the message, because its lifeline was full, or this beat was already on its way.
            case (WorkerState.Standby, WorkerPhase.Serving):
                step.Do(new OpenWorker(worker.Index));
                break;

            // The supervisor did not ask for it, but the worker no longer accepts: it is lost, and may not linger for ever either.
            case (WorkerState.Draining, WorkerPhase.Standby or WorkerPhase.Serving):
                Replacement.AfterLeavingByItself(step, Termination.LetLeave(step, worker));
                break;
        }
    }

    public static void Check(StepContext step, WorkerHandle worker)
    {
        if (worker.Phase == WorkerPhase.Warming && step.IsDue(worker))
        {
            Launching.WarmUpOverdue(step, worker);
        }
        else if (worker.Phase == WorkerPhase.Booting && step.IsDue(worker))
        {
            if (GivingUp.NeverCalled(step, worker))
            {
                return;
            }

            Replacement.AfterBootTimeout(step, Termination.Abort(step, worker, ExitReason.BootTimeout));
        }
        else if (worker.Phase is WorkerPhase.Standby or WorkerPhase.Serving && SilenceOf(step, worker) is var silence && silence > worker.Settings.Timeout)
        {
            HangDetection.BeatOverdue(step, worker, silence);
        }
    }

    /// <summary>After a gap in the supervisor's own steps every silence counts from now, and deadlines that end a worker move by the length of the gap.</summary>
    public static void ForgiveOwnPause(StepContext step)
    {
        var gap = step.Now - step.State.LastStepAt;
        if (step.State.LastStepAt == 0 || gap < Nanoseconds.Of(step.PauseThreshold))
        {
            return;
        }

        step.Say(new SupervisorPausedNotice(Nanoseconds.ToTimeSpan(gap)));
        foreach (var worker in step.Workers)
        {
            // The end of a back-off forces nothing, so it is not moved.
            step.Put(worker with
            {
                // A worker that is excused for longer stays excused.
                WindowFrom = Math.Max(worker.WindowFrom, step.Now),
                Deadline = worker.Phase == WorkerPhase.Backoff ? worker.Deadline : worker.Deadline + gap,
            });
        }
    }

    /// <summary>Monotonic nanoseconds from which on a worker's silence counts; in the future for one that is excused.</summary>
    public static long SilentSince(WorkerHandle worker) => Math.Max(worker.LastBeatAt ?? 0, worker.WindowFrom);

    private static TimeSpan SilenceOf(StepContext step, WorkerHandle worker) => Nanoseconds.ToTimeSpan(step.Now - SilentSince(worker));
}
