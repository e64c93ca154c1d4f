namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Why a worker ended, as the status document names it.</summary>
internal enum ExitReason
{
    Crash,
    Exited,
    Stale,
    BootTimeout,
    MaxRequests,
    MaxMemory,
    MaxLifetime,
    Reload,
    RequestTimeout,
    OutOfMemory,
    ScaleDown,
    Restart,
    Stop,
}

/// <summary>How and why a process ended.</summary>
/// <param name="Reason">Why; a worker that we killed keeps our reason.</param>
/// <param name="Status">The exit code or the signal.</param>
/// <param name="At">Monotonic nanoseconds at which it was reaped.</param>
/// <param name="Verdict">Why it was judged hung, if it was.</param>
internal sealed record LastExit(ExitReason Reason, ExitStatus Status, long At, Verdict? Verdict = null)
{
    /// <summary>The index of that process. A replacement that started before it ended has a different one.</summary>
    public required int Index { get; init; }

    public required int Pid { get; init; }
}

/// <summary>An ended process, kept so that it can still be looked up by its old index.</summary>
/// <param name="Generation">Its generation.</param>
/// <param name="Exit">Which process, and how it ended.</param>
/// <param name="ReplacedBy">The index of the worker that replaced it; null if none did.</param>
internal sealed record EndedWorker(long Generation, LastExit Exit, int? ReplacedBy);
