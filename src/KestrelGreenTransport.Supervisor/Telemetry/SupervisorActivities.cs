using System.Diagnostics;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Telemetry;

/// <summary>
/// The activity source <c>KestrelGreenTransport.Supervisor</c>: boots and reloads, created when they are over, with their
/// duration. Without a listener it costs one check.
/// </summary>
internal static class SupervisorActivities
{
    public const string Name = "KestrelGreenTransport.Supervisor";

    private static readonly ActivitySource Source = new(Name, SupervisorVersion.Text);

    public static void Tell(Notice notice)
    {
        switch (notice)
        {
            case WorkerReadyNotice ready:
                Tell("green.worker.boot", ready.BootTime, error: null, ("green.worker.index", ready.Index), ("process.pid", ready.Pid));
                break;
            case WorkerBootTimeoutNotice late:
                Tell("green.worker.boot", late.BootTimeout, "not ready within BootTimeout", ("green.worker.index", late.Index), ("process.pid", late.Pid));
                break;
            case ReloadedNotice reloaded:
                Tell("green.reload", reloaded.Time, error: null, ("green.generation", reloaded.Generation), ("green.workers", reloaded.Workers));
                break;
            case ReloadFailedNotice failed:
                Tell("green.reload", TimeSpan.Zero, "the generation did not start", ("green.generation", failed.Generation));
                break;
        }
    }

    private static void Tell(string name, TimeSpan took, string? error, params ReadOnlySpan<(string Name, object Value)> tags)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        var end = TimeProvider.System.GetUtcNow();
        using var activity = Source.StartActivity(name, ActivityKind.Internal, default(ActivityContext), startTime: end - took);
        foreach (var (key, value) in tags)
        {
            activity?.SetTag(key, value);
        }

        activity?.SetEndTime(end.UtcDateTime);
        activity?.SetStatus(error is null ? ActivityStatusCode.Ok : ActivityStatusCode.Error, error);
    }
}
