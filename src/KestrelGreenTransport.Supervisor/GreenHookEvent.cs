namespace KestrelGreenTransport.Supervisor;

/// <summary>The moments in a supervisor's life that a hook may be told of.</summary>
public enum GreenHook
{
    /// <summary>The sockets are bound, and the first workers are about to be started. (gunicorn: on_starting)</summary>
    Starting,

    /// <summary>A worker is about to be started. (gunicorn: pre_fork)</summary>
    BeforeSpawn,

    /// <summary>A worker serves. (gunicorn: post_worker_init)</summary>
    WorkerReady,

    /// <summary>A worker hangs and is about to be ended for it. (gunicorn: worker_abort)</summary>
    WorkerHung,

    /// <summary>A worker's process has ended. (gunicorn: child_exit)</summary>
    WorkerExit,

    /// <summary>A reload begins. (gunicorn: on_reload)</summary>
    Reload,

    /// <summary>The number of workers that are wanted has changed. (gunicorn: nworkers_changed)</summary>
    Scale,

    /// <summary>All workers are gone, and the supervisor is about to leave. (gunicorn: on_exit)</summary>
    Exit,
}

/// <summary>What happened, as a hook is told it. A fact that the moment does not have is null.</summary>
public sealed class GreenHookEvent
{
    /// <summary>Which moment.</summary>
    public required GreenHook Hook { get; init; }

    /// <summary>The worker's index.</summary>
    public int? Worker { get; init; }

    /// <summary>The worker's process id.</summary>
    public int? Pid { get; init; }

    /// <summary>The worker's generation, or the one that a reload brings.</summary>
    public long? Generation { get; init; }

    /// <summary>Why a worker ended or is ended, as <c>lastExit.reason</c> of <c>green status --json</c> names it.</summary>
    public string? Reason { get; init; }

    /// <summary>Why a worker was taken for hung, as <c>lastExit.verdict</c> names it.</summary>
    public string? Verdict { get; init; }

    /// <summary>The exit code of a worker that exited, or of the supervisor.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The signal that a worker was killed by: <c>SIGKILL</c>.</summary>
    public string? Signal { get; init; }

    /// <summary>How many workers were wanted before.</summary>
    public int? From { get; init; }

    /// <summary>How many workers are wanted now.</summary>
    public int? To { get; init; }
}
