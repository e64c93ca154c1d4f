using KestrelGreenTransport.Records;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// Whether a heartbeat file itself is faulty, judged over several looks. One unfinished record says nothing yet: on a
/// busy machine its writer may have been descheduled. If it stays unfinished, its writer is gone.
/// </summary>
internal sealed class HeartbeatFileHealth
{
    /// <summary>How many looks in a row must find an unfinished record before it counts: about a second.</summary>
    public const int LooksAtUnfinished = 10;

    private int _unfinished;

    public bool IsUnreadable { get; private set; }

    /// <summary>Takes a look into account; true if that changes <see cref="IsUnreadable"/>.</summary>
    public bool Look(HeartbeatReading reading)
    {
        var isUnfinished = reading.Outcome == HeartbeatOutcome.Torn;
        _unfinished = isUnfinished ? _unfinished + 1 : 0;
        var before = IsUnreadable;
        IsUnreadable = isUnfinished ? before || _unfinished >= LooksAtUnfinished : reading.IsUnreadable;
        return IsUnreadable != before;
    }
}
