using System.Globalization;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Reporting;

/// <summary>How an operation ended, in words: what is so now, or why not and what to do next.</summary>
internal static class OperationText
{
    /// <param name="ended">The operation.</param>
    /// <param name="state">The arbiter's state after it.</param>
    /// <param name="name">The supervisor's name.</param>
    public static string Of(EndOperation ended, SupervisorState state, string name)
    {
        var workers = Counted.Of(state.Target, "worker");
        var serving = string.Create(CultureInfo.InvariantCulture, $"{state.Workers.Values.Count(static worker => worker.Phase == WorkerPhase.Serving)} of {state.Target} serving");
        return (ended.Outcome, ended.Request) switch
        {
            (OperationOutcome.Succeeded, ReloadRequested) => $"{name} is serving generation {state.Generation} with {workers}.",
            (OperationOutcome.Succeeded, RestartRequested) when ended.Left > 0 => $"{name}: {Counted.Of(ended.Left, "worker")} replaced.",
            (OperationOutcome.Succeeded, DrainRequested drain) => $"{name}: worker {drain.Index} has exited; {serving}.",
            (OperationOutcome.Succeeded, DrainAllRequested) => $"{name} has no workers now; its sockets stay open. Start workers again with green reload.",
            (OperationOutcome.Succeeded, UpgradeRequested) => $"{name} is upgraded: the new supervisor takes over.",
            (OperationOutcome.Succeeded, _) => $"{name} is serving with {workers}.",
            (OperationOutcome.Refused, RestartRequested restart) => NotFit(name, restart.Index!.Value, state, "serving"),
            (OperationOutcome.Refused, DrainRequested drain) => NotFit(name, drain.Index, state, "serving or on standby"),
            (OperationOutcome.Failed, DrainRequested drain) => $"{name} is reloading, so worker {drain.Index} was not drained. Try again when it is running.",
            (OperationOutcome.Failed, UpgradeRequested) => $"{name} was not upgraded: {ReloadFailure.Describe(ended.Cause!)}. The old supervisor keeps running. See its log: green logs.",
            (OperationOutcome.Failed, ReloadRequested) => $"the reload failed: {ReloadFailure.Describe(ended.Cause!)}. Generation {state.Generation} keeps serving.",
            (OperationOutcome.Failed, _) =>
                $"a worker does not start: {ReloadFailure.Describe(ended.Cause!)}. The supervisor keeps trying; {serving}. See the reason: green status {ReloadFailure.WorkerOf(ended.Cause!)}.",
            _ when state.Stop is not null => $"{name} is stopping.",
            (_, DrainAllRequested) when !state.IsDrained => $"{name} has started workers again: it was reloaded in the meantime.",
            (_, not (DrainAllRequested or DrainRequested)) when state.IsDrained => $"all workers of {name} were told to drain. Start {workers} with green reload.",
            (_, ScaleRequested scale) when scale.Workers != state.Target => $"{name} was scaled to {state.Target} by another command in the meantime.",
            _ => $"a new supervisor takes over from this one. See what it does: green status --name {name}.",
        };
    }

    private static string NotFit(string name, int index, SupervisorState state, string wanted) => state.Workers.GetValueOrDefault(index) switch
    {
        null => $"{name} has no worker {index}: green status lists the workers.",
        { Phase: WorkerPhase.Serving } => $"worker {index} of {name} is replacing another worker. Try again when that one has exited.",
        var worker => $"worker {index} of {name} is {NoticeReporter.Name(worker.Phase)}, not {wanted}. Try again when it is: green status {index}.",
    };
}
