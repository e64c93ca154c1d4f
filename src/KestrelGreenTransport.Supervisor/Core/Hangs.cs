using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Which worker or request hangs, why, and what is done about it.</summary>
internal static class Hangs
{
    /// <summary>A beat becomes overdue: keeps what the board says at that moment for the verdict.</summary>
    public static void Examined(Turn turn, WorkerHandle worker, BoardRecord? board, bool isStopped) =>
        turn.Put(worker with { Suspicion = Diagnosis.Of(board, isStopped, Liveness.SilentSince(worker), turn.Now, worker.Settings.Timeout) });

    /// <summary>We pause the worker ourselves: for this long, missing beats do not count.</summary>
    public static void Excused(Turn turn, WorkerHandle worker, TimeSpan time) =>
        turn.Put(worker with { WindowFrom = turn.After(time), Suspicion = null });

    /// <summary>The beat is overdue by Timeout: the worker is ended, and its replacement starts without waiting for that.</summary>
    public static void BeatOverdue(Turn turn, WorkerHandle worker, TimeSpan silence)
    {
        worker = Convict(turn, worker, worker.Suspicion ?? Verdict.NoHeartbeat);
        Succession.AfterStaleVerdict(turn, Termination.Abort(turn, worker, ExitReason.Stale), silence);
    }

    /// <summary>A request is older than RequestTimeout. The worker is ended only if configured so, because its other requests end with it.</summary>
    public static void RequestOverdue(Turn turn, WorkerHandle worker, SlowRequest request)
    {
        if (worker.Settings.KillsHungRequests && worker is { Stays: true, Phase: WorkerPhase.Serving })
        {
            worker = Convict(turn, worker, Verdict.HungRequest);
            Succession.AfterHungRequest(turn, Termination.Abort(turn, worker, ExitReason.RequestTimeout), request);
        }
        else
        {
            turn.State = turn.State with { Verdicts = turn.State.Verdicts.With(Verdict.HungRequest) };
            turn.Say(new SlowRequestNotice(worker.Index, worker.Pid!.Value, request, IsKilled: false, null));
        }
    }

    private static WorkerHandle Convict(Turn turn, WorkerHandle worker, Verdict verdict)
    {
        turn.State = turn.State with { Verdicts = turn.State.Verdicts.With(verdict) };
        return worker with { Verdict = verdict };
    }
}
