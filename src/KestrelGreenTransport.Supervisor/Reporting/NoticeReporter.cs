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
                SupervisorLog.WorkerReady(logger, n.Index, n.Pid, n.StandsBy ? "stands by" : "serves", n.BootTime.TotalSeconds);
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
                SupervisorLog.Drained(logger, n.Workers);
                break;
            case ReloadingNotice n:
                SupervisorLog.Reloading(logger, n.Generation);
                break;
            case ReloadedNotice n:
                SupervisorLog.Reloaded(logger, n.Generation, n.Workers, n.Time.TotalSeconds);
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
                SupervisorLog.SpawnFailed(logger, n.Index, n.Error, Next(n.RetryIn));
                break;
            case SupervisorPausedNotice n:
                SupervisorLog.SupervisorPaused(logger, n.Gap.TotalSeconds);
                break;
            case ScalingNotice n:
                SupervisorLog.Scaling(logger, n.From, n.To);
                break;
            case StoppingNotice n:
                SupervisorLog.Stopping(logger, n.Workers, n.Kind == StopKind.Graceful ? "requests in flight may finish" : "at once");
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
            output.Note("the .NET runtime that the app needs is not installed here: its lines say which one. `dotnet --list-runtimes` shows those that are.");
        }
        else if (!failure.AnyHello)
        {
            output.Note(
                "no worker came as far as the transport. If the app starts by itself, check that it calls builder.WebHost.UseGreenTransport().");
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
        1 => ", and the worker that was replaced already is replaced back",
        _ => string.Create(CultureInfo.InvariantCulture, $", and the {replaced} workers that were replaced already are replaced back"),
    };

    /// <summary>A verdict for a person.</summary>
    public static string Describe(Verdict verdict) => verdict switch
    {
        Verdict.FrozenProcess => "frozen process (nothing in it runs: stopped, or without processor time)",
        Verdict.ThreadPoolStarvation => "thread-pool starvation (work items wait, and every thread is held up)",
        Verdict.BlockedLoop => "blocked loop (an event loop does not come back from what it runs)",
        Verdict.HungRequest => "hung request",
        _ => "no heartbeat, and the board does not say why",
    };

    private static string Describe(LastExit exit) => exit.Reason == ExitReason.OutOfMemory
        ? $"ran out of memory and {SupervisorLog.Describe(exit.Status)}"
        : SupervisorLog.Describe(exit.Status);

    private static string Next(TimeSpan? restartIn) => restartIn switch
    {
        null => "it is not replaced",
        { Ticks: <= 0 } => "it is replaced at once",
        { } wait => string.Create(CultureInfo.InvariantCulture, $"it is replaced in {Duration.Format(TimeSpan.FromMilliseconds(Math.Round(wait.TotalMilliseconds)))}"),
    };
}
