using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Which worker or request hangs, why, and what is done about it.</summary>
internal static class HangDetection
{
    /// <summary>A beat becomes overdue: keeps what the board says at that moment for the verdict.</summary>
    public static void Examined(StepContext step, WorkerHandle worker, BoardRecord? board, bool isStopped) =>
        step.Put(worker with { LikelyVerdict = Diagnosis.Of(board, isStopped, Liveness.SilentSince(worker), step.Now, worker.Settings.Timeout) });

    /// <summary>We pause the worker ourselves: for this long, missing beats do not count.</summary>
    public static void Excused(StepContext step, WorkerHandle worker, TimeSpan time) =>
        step.Put(worker with { WindowFrom = step.After(time), LikelyVerdict = null });

    /// <summary>The beat is overdue by Timeout: the worker is ended, and its replacement starts without waiting for that.</summary>
    public static void BeatOverdue(StepContext step, WorkerHandle worker, TimeSpan silence)
    {
        worker = RecordVerdict(step, worker, worker.LikelyVerdict ?? Verdict.NoHeartbeat);
        Replacement.AfterStaleVerdict(step, Termination.Abort(step, worker, ExitReason.Stale), silence);
    }

    /// <summary>A request is older than RequestTimeout. The worker is ended only if configured so, because its other requests end with it.</summary>
    public static void RequestOverdue(StepContext step, WorkerHandle worker, SlowRequest request)
    {
        if (worker.Settings.KillsHungRequests && worker is { IsStaying: true, Phase: WorkerPhase.Serving })
        {
            worker = RecordVerdict(step, worker, Verdict.HungRequest);
            Replacement.AfterHungRequest(step, Termination.Abort(step, worker, ExitReason.RequestTimeout), request);
        }
        else
        {
            step.State = step.State with { Verdicts = step.State.Verdicts.With(Verdict.HungRequest) };
            step.Say(new SlowRequestNotice(worker.Index, worker.Pid!.Value, request, IsKilled: false, null));
        }
    }

    private static WorkerHandle RecordVerdict(StepContext step, WorkerHandle worker, Verdict verdict)
    {
        step.State = step.State with { Verdicts = step.State.Verdicts.With(verdict) };
        return worker with { Verdict = verdict };
    }
}
