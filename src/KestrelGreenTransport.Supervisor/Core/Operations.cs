using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

// Each operation ends exactly once, in the step that decides it: what was asked for has come about, or cannot, or was overtaken.
// An operation only watches: nothing is decided differently because a client waits.

/// <summary>Watches over the requests that clients wait for, and decides when each is over.</summary>
internal static class Operations
{
    /// <summary>Begins to watch a request, which is carried out next. Returns false if it cannot be carried out: then the operation has ended.</summary>
    public static bool Begin(StepContext step, OperationRequested asked)
    {
        var operation = new Operation(asked.Id, asked.Request);
        switch (asked.Request)
        {
            case RestartRequested restart:
                var workers = step.Active.Where(worker => worker.Index == (restart.Index ?? worker.Index)).ToList();
                if (restart.Index is not null && !IsOver(step) && !workers.Exists(static worker => worker.Phase is WorkerPhase.Serving or WorkerPhase.Backoff))
                {
                    End(step, operation, OperationOutcome.Refused);
                    return false;
                }

                operation = operation with { Leaving = [.. workers.Where(static worker => worker.Phase == WorkerPhase.Serving).Select(static worker => worker.Pid!.Value)] };
                break;
            case DrainRequested drain when !step.IsStopping:
                if (step.Find(drain.Index) is not ({ Kind: SeatKind.Active, Phase: WorkerPhase.Serving } or { Kind: SeatKind.Standby, Phase: WorkerPhase.Standby }))
                {
                    End(step, operation, OperationOutcome.Refused);
                    return false;
                }

                operation = operation with { Leaving = [step.Find(drain.Index)!.Pid!.Value] };
                break;
            case ReloadRequested:
                // The requests that come during a reload share the next one.
                operation = operation with { Reload = step.State.ReloadsBegun + 1 };
                break;
        }

        step.State = step.State with { Operations = step.State.Operations.Add(operation) };
        return true;
    }

    /// <summary>A worker was lost before it was serving. The supervisor keeps trying, but the clients that wait for it learn why.</summary>
    public static void NotStarted(StepContext step, WorkerHandle lost, Notice cause)
    {
        foreach (var operation in step.State.Operations)
        {
            if ((operation.Request, lost) is (RestartRequested or ScaleRequested, { Kind: SeatKind.Active, ServingSince: null }) or (RestartRequested, { Kind: SeatKind.Surge }))
            {
                End(step, operation, OperationOutcome.Failed, cause);
            }
        }
    }

    /// <summary>An upgrade has failed, or a successor takes over: then it also decides what the other clients wait for.</summary>
    public static void UpgradeEnded(StepContext step, UpgradeEnded ended)
    {
        if (ended.Failure is not { } why)
        {
            step.State = step.State with { HasSuccessor = true };
            return;
        }

        foreach (var operation in step.State.Operations.Where(static operation => operation.Request is UpgradeRequested))
        {
            End(step, operation, OperationOutcome.Failed, new PreparationFailedNotice(step.State.Generation, why));
        }
    }

    /// <summary>Ends what this step has brought about. Called once all else is decided.</summary>
    public static void Conclude(StepContext step)
    {
        foreach (var operation in step.State.Operations)
        {
            if (OutcomeOf(step, operation) is var outcome and not OperationOutcome.Pending)
            {
                End(step, operation, outcome, operation.Request is ReloadRequested ? step.State.LastReload?.Failure : null);
            }
        }
    }

    private static OperationOutcome OutcomeOf(StepContext step, Operation operation) => operation.Request switch
    {
        UpgradeRequested when step.State.HasSuccessor => OperationOutcome.Succeeded,
        _ when step.State.HasSuccessor || step.IsStopping => OperationOutcome.Superseded,
        ReloadRequested => step.State.LastReload is not { } last || last.Number < operation.Reload ? OperationOutcome.Pending
            : last.Failure is null ? OperationOutcome.Succeeded
            : last.Failure is DrainedNotice ? OperationOutcome.Superseded
            : OperationOutcome.Failed,
        DrainAllRequested => !step.State.IsDrained ? OperationOutcome.Superseded : EndedIf(step.State.Workers.IsEmpty),

        // It was not drained: a reload was under way, which replaces it anyway.
        DrainRequested when step.Staying.Any(worker => worker.Pid is { } pid && operation.Leaving.Contains(pid)) => OperationOutcome.Failed,
        DrainRequested => EndedIf(HaveLeft(step, operation)),
        RestartRequested or ScaleRequested when step.State.IsDrained => OperationOutcome.Superseded,
        RestartRequested => EndedIf(HaveLeft(step, operation) && TargetServes(step)),
        ScaleRequested scale when scale.Workers != step.State.Target => OperationOutcome.Superseded,
        ScaleRequested => EndedIf(TargetServes(step) && step.Workers.All(static worker => worker.Ending != ExitReason.ScaleDown)),
        _ => OperationOutcome.Pending,
    };

    private static OperationOutcome EndedIf(bool isDone) => isDone ? OperationOutcome.Succeeded : OperationOutcome.Pending;

    private static bool IsOver(StepContext step) => step.IsStopping || step.State.IsDrained;

    private static bool HaveLeft(StepContext step, Operation operation) => step.Workers.All(worker => worker.Pid is not { } pid || !operation.Leaving.Contains(pid));

    private static bool TargetServes(StepContext step) => step.Active.Count(static worker => worker.Phase == WorkerPhase.Serving) >= step.State.Target;

    private static void End(StepContext step, Operation operation, OperationOutcome outcome, Notice? cause = null)
    {
        step.State = step.State with { Operations = step.State.Operations.Remove(operation) };
        step.Do(new EndOperation(operation.Id, operation.Request, outcome, operation.Leaving.Count, cause));
    }
}

/// <summary>A request that a client waits for.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Request">What was asked for.</param>
internal sealed record Operation(long Id, SupervisorEvent Request)
{
    /// <summary>The processes that are to leave.</summary>
    public ImmutableHashSet<int> Leaving { get; init; } = [];

    /// <summary>The number of the reload that was asked for.</summary>
    public long Reload { get; init; }
}

/// <summary>How an operation ended, as the control socket names it.</summary>
internal enum OperationOutcome
{
    Pending,
    Succeeded,

    /// <summary>It did not come about.</summary>
    Failed,

    /// <summary>Something else was decided meanwhile: a stop, another number of workers, a drain of all, a successor.</summary>
    Superseded,

    /// <summary>It cannot be done to that worker, and nothing was tried.</summary>
    Refused,
}
