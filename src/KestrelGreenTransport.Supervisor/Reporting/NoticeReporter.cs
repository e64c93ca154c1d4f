using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Reporting;

/// <summary>Turns the arbiter's notices into log lines, and keeps the one that needs the worker's last output for the end.</summary>
internal sealed class NoticeReporter(ILogger logger, SupervisorOutput output, Journal journal)
{
    // .NET's host, where it finds no runtime at all, or none of the version that the app asks for.
    private static readonly int[] NoRuntime = [131, 150];

    private BootFailureNotice? _bootFailure;
    private int? _lastCode;

    public void Report(Notice notice)
    {
        switch (notice)
        {
            case WorkerReadyNotice n:
                SupervisorLog.WorkerReady(logger, n.Index, n.Pid, n.StandsBy ? "is on standby" : "is ready", n.BootTime.TotalSeconds);
                break;
            case WorkerTakesOverNotice n:
                SupervisorLog.WorkerTakesOver(logger, n.Index, n.Pid);
                break;
            case WarmUpFailedNotice n:
                SupervisorLog.WarmUpFailed(logger, n.Index, n.Pid, n.Problem);
                break;
            case WarmUpCutShortNotice n:
                SupervisorLog.WarmUpCutShort(logger, n.Index, n.Pid);
                break;
            case WorkerDueNotice n:
                SupervisorLog.WorkerDue(logger, n.Index, n.Pid, Name(n.Reason));
                break;
            case WorkerDrainedNotice n:
                SupervisorLog.WorkerDrained(logger, n.Index, n.Pid, Next(n.RestartIn));
                break;
            case DrainedNotice n:
                SupervisorLog.Drained(logger, Counted.Of(n.Workers, "worker"));
                break;
            case ReloadingNotice n:
                SupervisorLog.Reloading(logger, n.Generation);
                break;
            case ReloadedNotice n:
                SupervisorLog.Reloaded(logger, n.Generation, Counted.Of(n.Workers, "worker"), n.Time.TotalSeconds);
                break;
            case ReloadFailedNotice n:
                SupervisorLog.ReloadFailed(logger, n.Generation, ReloadFailure.Describe(n.Cause), n.InForce, Back(n.Replaced));
                break;
            case RollbackFailedNotice n:
                SupervisorLog.RollbackFailed(logger, n.Generation, ReloadFailure.Describe(n.Cause));
                break;
            case PreparationFailedNotice n:
                SupervisorLog.PreparationFailed(logger, n.Message);
                break;
            case WorkerDiedNotice n:
                _lastCode = n.Exit.Status.Code;
                SupervisorLog.WorkerDied(logger, n.Index, n.Pid, Describe(n.Exit), Next(n.RestartIn));
                break;
            case WorkerLeavingNotice n:
                SupervisorLog.WorkerLeaving(logger, n.Index, n.Pid, Next(n.RestartIn));
                break;
            case WorkerLeftNotice n:
                SupervisorLog.WorkerLeft(logger, n.Index, n.Pid, $"{SupervisorLog.Describe(n.Exit.Status)} ({Name(n.Exit.Reason)})");
                break;
            case WorkerStaleNotice n:
                SupervisorLog.WorkerStale(logger, n.Index, n.Pid, n.Silence.TotalSeconds, n.Timeout.TotalSeconds, Describe(n.Verdict), Next(n.RestartIn));
                break;
            case LeaderNotice n:
                SupervisorLog.Leads(logger, n.Index, n.Pid);
                break;
            case SlowRequestNotice { IsKilled: true } n:
                SupervisorLog.HungRequest(logger, n.Index, n.Pid, n.Request.Method, n.Request.Path, n.Request.Age.TotalSeconds, Next(n.RestartIn));
                break;
            case SlowRequestNotice n:
                SupervisorLog.SlowRequest(logger, n.Index, n.Pid, n.Request.Method, n.Request.Path, n.Request.Age.TotalSeconds);
                break;
            case WorkerBootTimeoutNotice n:
                SupervisorLog.WorkerBootTimeout(logger, n.Index, n.Pid, n.BootTimeout.TotalSeconds, Next(n.RestartIn));
                break;
            case WorkerFailedToStartNotice n:
                SupervisorLog.WorkerCannotStart(logger, n.Index, n.Pid, n.Message);
                break;
            case WorkerKilledNotice n:
                SupervisorLog.WorkerKilled(logger, n.Index, n.Pid, n.Why);
                break;
            case SpawnFailedNotice n:
                SupervisorLog.SpawnFailed(logger, n.Index, n.Error, Retry(n.RetryIn));
                break;
            case SupervisorPausedNotice n:
                SupervisorLog.SupervisorPaused(logger, n.Gap.TotalSeconds);
                break;
            case ScalingNotice n:
                SupervisorLog.Scaling(logger, n.From, n.To);
                break;
            case StoppingNotice n:
                SupervisorLog.Stopping(logger, Counted.Of(n.Workers, "worker"), n.Kind == StopKind.Graceful ? "requests in flight may finish" : "at once");
                break;
            case BootFailureNotice n:
                SupervisorLog.BootFailure(logger);
                _bootFailure = n;
                break;
            case WorkerListensByItselfNotice n:
                SupervisorLog.ListensByItself(logger, n.Index, n.Pid, n.Endpoint, n.BootTimeout.TotalSeconds);
                break;
            case AppNotStartableNotice n:
                SupervisorLog.AppNotStartable(logger, n.Message);
                break;
            default:
                throw new InvalidOperationException($"{notice.GetType().Name} has no log line.");
        }
    }

    /// <summary>What stays to be said once every worker is gone and all of its output was read.</summary>
    public void ReportAtTheEnd()
    {
        if (_bootFailure is not { } failure)
        {
            return;
        }

        var lines = journal.Of(failure.Index);
        output.Note(lines.Count > 0
            ? $"the last lines of worker {failure.Index}:"
            : $"worker {failure.Index} wrote nothing.");
        foreach (var line in lines)
        {
            output.Note($"    {line}");
        }

        if (_lastCode is { } code && NoRuntime.Contains(code))
        {
            output.Note("the .NET runtime that the app needs is not installed; its output above names it. `dotnet --list-runtimes` shows the installed ones.");
        }
        else if (!failure.AnyHello)
        {
            output.Note(
                "no worker reached the transport. If the app starts without the supervisor, check that it calls builder.WebHost.UseGreenTransport().");
        }
    }

    /// <summary>The name that the status document gives to a reason, a phase: camelCase.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum
    {
        var name = value.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }

    private static string Back(int replaced) => replaced switch
    {
        0 => "",
        1 => "; rolling back the worker already replaced",
        _ => string.Create(CultureInfo.InvariantCulture, $"; rolling back the {replaced} workers already replaced"),
    };

    /// <summary>A verdict for a person.</summary>
    public static string Describe(Verdict verdict) => verdict switch
    {
        Verdict.FrozenProcess => "frozen process (stopped, or starved of CPU time)",
        Verdict.ThreadPoolStarvation => "thread-pool starvation (work items are waiting and every thread is blocked)",
        Verdict.BlockedLoop => "blocked loop (an event loop does not return from the handler that it runs)",
        Verdict.HungRequest => "hung request",
        _ => "reason unknown",
    };

    private static string Describe(LastExit exit) => exit.Reason == ExitReason.OutOfMemory
        ? $"ran out of memory and {SupervisorLog.Describe(exit.Status)}"
        : SupervisorLog.Describe(exit.Status);

    private static string Next(TimeSpan? restartIn) => restartIn switch
    {
        null => "not replacing it",
        { Ticks: <= 0 } => "starting a replacement",
        { } wait => $"starting a replacement in {Rounded(wait)}",
    };

    private static string Retry(TimeSpan? retryIn) => retryIn switch
    {
        null => "not retrying",
        { Ticks: <= 0 } => "retrying now",
        { } wait => $"retrying in {Rounded(wait)}",
    };

    private static string Rounded(TimeSpan wait) => Duration.Format(TimeSpan.FromMilliseconds(Math.Round(wait.TotalMilliseconds)));
}
