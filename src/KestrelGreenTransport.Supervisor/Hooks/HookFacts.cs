using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Hooks;

/// <summary>Works out from an effect of the arbiter which hook to call, and with what.</summary>
internal static class HookFacts
{
    public static GreenHookEvent? Of(Effect effect) => effect switch
    {
        SpawnWorker spawn => new GreenHookEvent { Hook = GreenHook.BeforeSpawn, Worker = spawn.Index, Generation = spawn.Generation },
        Report report => Of(report.Notice),
        _ => null,
    };

    private static GreenHookEvent? Of(Notice notice) => notice switch
    {
        WorkerReadyNotice n => new GreenHookEvent { Hook = GreenHook.WorkerReady, Worker = n.Index, Pid = n.Pid },
        WorkerStaleNotice n => Hung(n.Index, n.Pid, ExitReason.Stale, n.Verdict),
        WorkerBootTimeoutNotice n => Hung(n.Index, n.Pid, ExitReason.BootTimeout, null),
        SlowRequestNotice { IsKilled: true } n => Hung(n.Index, n.Pid, ExitReason.RequestTimeout, Verdict.HungRequest),
        WorkerDiedNotice n => Exit(n.Index, n.Pid, n.Exit),
        WorkerLeftNotice n => Exit(n.Index, n.Pid, n.Exit),
        ReloadingNotice n => new GreenHookEvent { Hook = GreenHook.Reload, Generation = n.Generation },
        ScalingNotice n => new GreenHookEvent { Hook = GreenHook.Scale, From = n.From, To = n.To },
        _ => null,
    };

    private static GreenHookEvent Hung(int index, int pid, ExitReason reason, Verdict? verdict) => new()
    {
        Hook = GreenHook.WorkerHung,
        Worker = index,
        Pid = pid,
        Reason = NoticeReporter.Name(reason),
        Verdict = verdict is { } why ? NoticeReporter.Name(why) : null,
    };

    private static GreenHookEvent Exit(int index, int pid, LastExit exit) => new()
    {
        Hook = GreenHook.WorkerExit,
        Worker = index,
        Pid = pid,
        Reason = NoticeReporter.Name(exit.Reason),
        Verdict = exit.Verdict is { } why ? NoticeReporter.Name(why) : null,
        ExitCode = exit.Status.Code,
        Signal = exit.Status.Signal is { } signal ? Signals.NameOf(signal) : null,
    };
}
