namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>What the guard saw of one loop.</summary>
/// <param name="Word">The loop's leadership.</param>
/// <param name="State">The kernel's letter for the leader's thread: S, D, R, …</param>
/// <param name="CpuTime">The CPU time that this thread has used, in nanoseconds.</param>
/// <param name="Collections">Garbage collections so far: they stop every thread, and then all look as if they slept.</param>
internal readonly record struct Sighting(long Word, char State, long CpuTime, int Collections);

/// <summary>What the guard thinks of a leader.</summary>
internal enum Verdict
{
    /// <summary>All is well, or it cannot be told.</summary>
    Innocent,

    /// <summary>It sleeps, but perhaps only for a moment: look again soon.</summary>
    Suspect,

    /// <summary>It runs the app: look again soon whether it computes.</summary>
    Running,

    /// <summary>Its handler waits for something while all other connections of the loop wait for it.</summary>
    Blocks,

    /// <summary>Its handler computes at length.</summary>
    Computes,
}

/// <summary>
/// Judges purely, from two sightings of one loop.
///
/// The word alone deceives: a leader that was descheduled or throttled shows the same word for long (seen: 359 false
/// verdicts a second with three busy neighbours on the core). So it must sleep by the kernel's word, or have used the
/// processor for the threshold, in the same dispatch at both sightings.
/// </summary>
internal static class GuardJudge
{
    public static Verdict Judge(in Sighting before, in Sighting now, TimeSpan threshold)
    {
        if (!Leadership.IsBusy(now.Word))
        {
            return Verdict.Innocent;
        }

        var sleeps = now.State is 'S' or 'D';
        if (now.Word != before.Word || now.Collections != before.Collections)
        {
            return sleeps ? Verdict.Suspect : Verdict.Running;
        }

        if (sleeps)
        {
            return Verdict.Blocks;
        }

        var used = now.CpuTime - before.CpuTime;
        return used >= threshold.Ticks * 100 && before.CpuTime >= 0 ? Verdict.Computes : Verdict.Running;
    }
}
