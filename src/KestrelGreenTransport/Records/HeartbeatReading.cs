using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Records;

/// <summary>The result of reading a heartbeat file.</summary>
/// <param name="Outcome">Whether there is a beat, and if not, why.</param>
/// <param name="Beat">The last full beat; only with <see cref="HeartbeatOutcome.Beat"/>.</param>
/// <param name="Error">The error number of a failed read; only with <see cref="HeartbeatOutcome.Failed"/>.</param>
internal readonly record struct HeartbeatReading(HeartbeatOutcome Outcome, HeartbeatRecord Beat = default, int Error = 0)
{
    public bool HasBeat => Outcome == HeartbeatOutcome.Beat;

    /// <summary>Something is wrong with the file itself. Worth a report, but alone never a reason to kill its worker.</summary>
    public bool IsUnreadable => Outcome is not (HeartbeatOutcome.Beat or HeartbeatOutcome.None);
}

internal enum HeartbeatOutcome
{
    /// <summary>The file holds a whole record.</summary>
    Beat,

    /// <summary>Nothing was written yet.</summary>
    None,

    /// <summary>Every read found the writer in the middle of the record. If that persists, the writer died there.</summary>
    Torn,

    /// <summary>The file is shorter than a record.</summary>
    Truncated,

    /// <summary>Magic, layout version or state are wrong.</summary>
    Garbage,

    /// <summary>The read itself failed.</summary>
    Failed,
}
