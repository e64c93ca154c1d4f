using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Reporting;

/// <summary>Why a reload failed, in words.</summary>
internal static class ReloadFailure
{
    public static string Describe(Notice cause) => cause switch
    {
        WorkerDiedNotice n => $"{Worker(n.Index, n.Pid)} {SupervisorLog.Describe(n.Exit.Status)}",
        WorkerStaleNotice n => string.Create(CultureInfo.InvariantCulture, $"{Worker(n.Index, n.Pid)} sent no heartbeat for {n.Silence.TotalSeconds:0.0} s"),
        SlowRequestNotice n => $"{Worker(n.Index, n.Pid)} hung in {n.Request.Method} {n.Request.Path}",
        WorkerBootTimeoutNotice n => $"{Worker(n.Index, n.Pid)} was not ready within {Duration.Format(n.BootTimeout)} (BootTimeout)",
        WorkerLeavingNotice n => $"{Worker(n.Index, n.Pid)} shut down by itself",
        SpawnFailedNotice n => $"worker {n.Index} could not be started: {n.Error}",
        WarmUpFailedNotice n => $"the warm-up of {Worker(n.Index, n.Pid)} failed: {n.Problem}",
        PreparationFailedNotice n => n.Message.TrimEnd('.'),
        StoppingNotice => "the supervisor was told to stop",
        DrainedNotice => "all workers were told to drain",
        _ => throw new InvalidOperationException($"{cause.GetType().Name} is not a reason for a reload to fail."),
    };

    /// <summary>The worker that made it fail, if one did.</summary>
    public static int? WorkerOf(Notice? cause) => cause switch
    {
        WorkerDiedNotice n => n.Index,
        WorkerStaleNotice n => n.Index,
        SlowRequestNotice n => n.Index,
        WorkerBootTimeoutNotice n => n.Index,
        WorkerLeavingNotice n => n.Index,
        SpawnFailedNotice n => n.Index,
        WarmUpFailedNotice n => n.Index,
        _ => null,
    };

    private static string Worker(int index, int pid) => string.Create(CultureInfo.InvariantCulture, $"worker {index} (pid {pid})");
}
