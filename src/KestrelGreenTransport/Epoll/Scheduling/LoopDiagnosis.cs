namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>What the guard saw of one loop.</summary>
/// <param name="Word">The loop's ownership word.</param>
/// <param name="State">The kernel's letter for the state of the leader's thread: S, D, R, …</param>
/// <param name="CpuTime">The CPU time that the leader's thread has used, in nanoseconds.</param>
/// <param name="Collections">Garbage collections so far: they stop every thread, which then looks asleep.</param>
internal readonly record struct Sighting(long Word, char State, long CpuTime, int Collections);

/// <summary>The guard's verdict on a leader.</summary>
internal enum LoopVerdict
{
    /// <summary>No problem, or none that can be seen.</summary>
    NoProblem,

    /// <summary>It sleeps, but perhaps only for a moment: look again soon.</summary>
    Suspect,

    /// <summary>It runs the app: look again soon to see whether it computes.</summary>
    Running,

    /// <summary>Its handler waits for something, and all other connections of the loop wait for the handler.</summary>
    Blocks,

    /// <summary>Its handler computes for long.</summary>
    Computes,
}

/// <summary>
/// Decides purely, from two sightings of one loop.
///
/// The word alone is not enough: a leader that was descheduled or throttled shows the same word for long (measured: 359
/// false verdicts a second with three busy neighbours on the core). So, within one dispatch, the kernel must say that it
/// sleeps, or it must have used the processor for the threshold.
/// </summary>
internal static class LoopDiagnosis
{
    public static LoopVerdict Of(in Sighting before, in Sighting now, TimeSpan threshold)
    {
        if (!LoopOwnership.IsBusy(now.Word))
        {
            return LoopVerdict.NoProblem;
        }

        var sleeps = now.State is 'S' or 'D';
        if (now.Word != before.Word || now.Collections != before.Collections)
        {
            return sleeps ? LoopVerdict.Suspect : LoopVerdict.Running;
        }

        if (sleeps)
        {
            return LoopVerdict.Blocks;
        }

        var used = now.CpuTime - before.CpuTime;
        return used >= threshold.Ticks * 100 && before.CpuTime >= 0 ? LoopVerdict.Computes : LoopVerdict.Running;
    }
}
