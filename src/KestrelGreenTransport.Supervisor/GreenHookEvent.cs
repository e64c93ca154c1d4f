namespace KestrelGreenTransport.Supervisor;

/// <summary>The events of a supervisor for which a hook can be called.</summary>
public enum GreenHook
{
    /// <summary>The sockets are bound, and the first workers are about to be started. (gunicorn: on_starting)</summary>
    Starting,

    /// <summary>A worker is about to be started. (gunicorn: pre_fork)</summary>
    BeforeSpawn,

    /// <summary>A worker has started to serve. (gunicorn: post_worker_init)</summary>
    WorkerReady,

    /// <summary>A worker hangs and is about to be killed. (gunicorn: worker_abort)</summary>
    WorkerHung,

    /// <summary>A worker's process has ended. (gunicorn: child_exit)</summary>
    WorkerExit,

    /// <summary>A reload begins. (gunicorn: on_reload)</summary>
    Reload,

    /// <summary>The wanted number of workers has changed. (gunicorn: nworkers_changed)</summary>
    Scale,

    /// <summary>All workers have exited, and the supervisor is about to exit. (gunicorn: on_exit)</summary>
    Exit,
}

/// <summary>An event as it is passed to a hook. Properties that do not apply to the event are null.</summary>
public sealed class GreenHookEvent
{
    /// <summary>Which event.</summary>
    public required GreenHook Hook { get; init; }

    /// <summary>The worker's index.</summary>
    public int? Worker { get; init; }

    /// <summary>The worker's process id.</summary>
    public int? Pid { get; init; }

    /// <summary>The worker's generation, or the new generation of a reload.</summary>
    public long? Generation { get; init; }

    /// <summary>Why a worker ended or is being ended, as <c>lastExit.reason</c> of <c>green status --json</c> names it.</summary>
    public string? Reason { get; init; }

    /// <summary>Why a worker was considered hung, as <c>lastExit.verdict</c> names it.</summary>
    public string? Verdict { get; init; }

    /// <summary>The exit code of a worker that exited, or of the supervisor.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The signal that killed a worker, such as <c>SIGKILL</c>.</summary>
    public string? Signal { get; init; }

    /// <summary>How many workers were wanted before.</summary>
    public int? From { get; init; }

    /// <summary>How many workers are wanted now.</summary>
    public int? To { get; init; }
}
