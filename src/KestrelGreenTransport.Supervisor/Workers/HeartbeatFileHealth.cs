using KestrelGreenTransport.Records;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// Whether something is wrong with a heartbeat file itself, from one look to the next. A record that is being written says nothing
/// yet: on a busy machine its writer may be without a processor just then. One that stays so has lost its writer.
/// </summary>
internal sealed class HeartbeatFileHealth
{
    /// <summary>So many looks in a row find a record unfinished until that counts: about a second.</summary>
    public const int LooksAtUnfinished = 10;

    private int _unfinished;

    public bool IsUnreadable { get; private set; }

    /// <summary>Takes a look into account; true when that changes the verdict.</summary>
    public bool Look(HeartbeatReading reading)
    {
        var isUnfinished = reading.Outcome == HeartbeatOutcome.Torn;
        _unfinished = isUnfinished ? _unfinished + 1 : 0;
        var before = IsUnreadable;
        IsUnreadable = isUnfinished ? before || _unfinished >= LooksAtUnfinished : reading.IsUnreadable;
        return IsUnreadable != before;
    }
}
