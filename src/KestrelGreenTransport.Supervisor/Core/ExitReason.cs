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
/// <param name="Reason">Why; a worker killed by us keeps our reason.</param>
/// <param name="Status">The exit code or the signal.</param>
/// <param name="At">Monotonic nanoseconds at which it was reaped.</param>
/// <param name="Verdict">What it was ended for, if it hung.</param>
internal sealed record LastExit(ExitReason Reason, ExitStatus Status, long At, Verdict? Verdict = null)
{
    /// <summary>The index that the process had: a replacement that started before its end has another one.</summary>
    public required int Index { get; init; }

    public required int Pid { get; init; }
}

/// <summary>A process that is gone, kept for who asks about it by its old index.</summary>
/// <param name="Generation">Its generation.</param>
/// <param name="Exit">Which process, and how it ended.</param>
/// <param name="Heir">The index that stands in its place; null when nobody does.</param>
internal sealed record EndedWorker(long Generation, LastExit Exit, int? Heir);
