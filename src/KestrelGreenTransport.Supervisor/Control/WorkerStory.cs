using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>
/// The history of one index. A process that died is found both by its own index and by the index of the worker that
/// replaced it, even when its own index has since been reused.
/// </summary>
/// <param name="Ended">The processes that had this index, and those that its processes replaced; youngest first.</param>
/// <param name="Events">The supervisor's last events about all of them, oldest first.</param>
/// <param name="Lines">The last lines of the process that has this index now, oldest first.</param>
/// <param name="LastWords">The last lines of the first process in <paramref name="Ended"/>, oldest first.</param>
internal sealed record WorkerStory(
    IReadOnlyList<EndedStatus> Ended, IReadOnlyList<LogLine> Events, IReadOnlyList<LogLine> Lines, IReadOnlyList<LogLine> LastWords)
{
    private const int MostEnded = 5;
    private const int MostEvents = 30;
    private const int MostLines = 15;

    /// <param name="index">Which worker.</param>
    /// <param name="state">The arbiter's state.</param>
    /// <param name="journal">The events and the workers' output.</param>
    /// <param name="now">Monotonic nanoseconds.</param>
    /// <param name="utc">The same moment by the wall clock.</param>
    public static WorkerStory Of(int index, SupervisorState state, Journal journal, long now, DateTimeOffset utc)
    {
        var pid = state.Workers.GetValueOrDefault(index)?.Pid;
        var ended = EndedAt(index, state);
        var concerns = Concerning(index, ended);
        return new WorkerStory(
            [.. ended.Select(one => new EndedStatus(one.Generation, LastExitStatus.Of(one.Exit, now, utc), one.ReplacedBy))],
            Newest(MostEvents, entry => entry.IsEvent && concerns(entry)),
            Newest(MostLines, entry => !entry.IsEvent && pid is not null && IsOf(entry, index, pid)),
            Newest(MostLines, entry => !entry.IsEvent && ended is [var last, ..] && IsOf(entry, last.Exit.Index, last.Exit.Pid)));

        IReadOnlyList<LogLine> Newest(int count, Func<JournalEntry, bool> wanted) => [.. journal.Newest(count, wanted).Select(LogLine.Of)];
    }

    /// <summary>Which entries belong to this worker's story.</summary>
    public static Func<JournalEntry, bool> Concerning(int index, SupervisorState state) => Concerning(index, EndedAt(index, state));

    private static Func<JournalEntry, bool> Concerning(int index, EndedWorker[] ended) =>
        entry => entry.Worker == index || ended.Any(one => IsOf(entry, one.Exit.Index, one.Exit.Pid));

    private static EndedWorker[] EndedAt(int index, SupervisorState state) =>
        [.. state.Ended.Reverse().Where(one => one.Exit.Index == index || one.ReplacedBy == index).Take(MostEnded)];

    private static bool IsOf(JournalEntry entry, int worker, int? pid) => entry.Worker == worker && entry.Pid == pid;
}

/// <summary>A process that has ended.</summary>
/// <param name="Generation">Its generation.</param>
/// <param name="Exit">Which process it was, and how it ended.</param>
/// <param name="Heir">The index of the worker that replaced it; null if none did.</param>
internal sealed record EndedStatus(long Generation, LastExitStatus Exit, int? Heir);
