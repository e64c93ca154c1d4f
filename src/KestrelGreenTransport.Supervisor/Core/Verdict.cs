using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Why a worker is considered hung, as the log and the status document name it.</summary>
internal enum Verdict
{
    /// <summary>Nothing in the process runs: it is stopped, or starved of the processor.</summary>
    FrozenProcess,

    /// <summary>Work items are queued, and no thread of the pool gets to them.</summary>
    ThreadPoolStarvation,

    /// <summary>An event loop is stuck in what it runs.</summary>
    BlockedLoop,

    /// <summary>A request was in flight for longer than RequestTimeout.</summary>
    HungRequest,

    /// <summary>The heartbeat has stopped, and the board does not say why.</summary>
    NoHeartbeat,
}

/// <summary>How often each verdict was given since the start.</summary>
internal readonly record struct VerdictCounts(
    long FrozenProcess, long ThreadPoolStarvation, long BlockedLoop, long HungRequest, long NoHeartbeat)
{
    public VerdictCounts With(Verdict verdict) => verdict switch
    {
        Verdict.FrozenProcess => this with { FrozenProcess = FrozenProcess + 1 },
        Verdict.ThreadPoolStarvation => this with { ThreadPoolStarvation = ThreadPoolStarvation + 1 },
        Verdict.BlockedLoop => this with { BlockedLoop = BlockedLoop + 1 },
        Verdict.HungRequest => this with { HungRequest = HungRequest + 1 },
        _ => this with { NoHeartbeat = NoHeartbeat + 1 },
    };
}

// The beat thread depends on nothing in the app, so an old record means that the whole process stands still. If the record
// is fresh, whatever has not come round since the last beat is what holds up the next.

/// <summary>Works out from the board why a beat is missing.</summary>
internal static class Diagnosis
{
    /// <param name="board">The worker's record, or null when it has none.</param>
    /// <param name="isStopped">Whether the kernel says that the process is stopped or traced.</param>
    /// <param name="since">Monotonic nanoseconds at which the silence began.</param>
    /// <param name="now">Monotonic nanoseconds.</param>
    /// <param name="timeout">How long a beat may be overdue. A record older than half of it is old, since it is written at least twice in that time.</param>
    public static Verdict Of(BoardRecord? board, bool isStopped, long since, long now, TimeSpan timeout)
    {
        if (isStopped)
        {
            return Verdict.FrozenProcess;
        }

        if (board is not { } record)
        {
            return Verdict.NoHeartbeat;
        }

        if (now - record.WrittenAt > Nanoseconds.Of(timeout) / 2)
        {
            return Verdict.FrozenProcess;
        }

        // The pool first: the loops of some backends need it, never the other way round.
        if (record.ThreadPoolPassAt != 0 && record.ThreadPoolPassAt <= since)
        {
            return Verdict.ThreadPoolStarvation;
        }

        return record.LoopPassAt != 0 && record.LoopPassAt <= since ? Verdict.BlockedLoop : Verdict.NoHeartbeat;
    }
}
