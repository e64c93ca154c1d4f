using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>
/// The last lines of each worker and the last events of the supervisor, in memory: what <c>green logs</c>,
/// <c>green status N</c>, <c>green top</c> and the admin page show.
///
/// Each process has its own limits, so that a chatty worker displaces neither its siblings' lines nor the last lines of the
/// process that it replaces. The events have their own limits too.
/// Adding a line waits only while another line is added or the list is copied.
/// </summary>
internal sealed class Journal(TimeProvider time)
{
    /// <summary>The most lines kept for a worker.</summary>
    public const int LinesOfAWorker = 1000;

    /// <summary>The most events kept.</summary>
    public const int Events = 1000;

    /// <summary>The most characters kept for a worker, and for all events.</summary>
    public const int Characters = 256 * 1024;

    /// <summary>The most lines kept for a process after another has got its index.</summary>
    public const int LinesOfThePast = 100;

    /// <summary>The most characters kept for such a process.</summary>
    public const int CharactersOfThePast = 32 * 1024;

    /// <summary>For how many such processes lines are kept: the youngest ones.</summary>
    public const int Past = 32;

    // As much as is useful to read from a worker that cannot start.
    private const int LastLines = 30;

    private readonly Lock _gate = new();
    private readonly Dictionary<(int Worker, int Pid), Ring> _processes = [];
    private readonly Ring _events = new(Events);
    private long _sequence;

    /// <summary>This process has the index from now on. Earlier ones become past.</summary>
    public void Begin(int worker, int pid)
    {
        lock (_gate)
        {
            foreach (var (process, ring) in _processes)
            {
                if (process.Worker == worker)
                {
                    ring.BecomePast();
                }
            }

            _processes[(worker, pid)] = new Ring(LinesOfAWorker) { Youngest = _sequence };
            ForgetTheOldest();
        }
    }

    /// <summary>Adds a line that a worker wrote.</summary>
    public void AddLine(int worker, int pid, OutputStream stream, string text) =>
        Add(new JournalEntry { At = time.GetUtcNow(), Worker = worker, Pid = pid, Stream = stream, Text = text });

    /// <summary>Adds an event of the supervisor.</summary>
    public void AddEvent(LogLevel level, EventId id, int? worker, int? pid, string text) =>
        Add(new JournalEntry { At = time.GetUtcNow(), Worker = worker, Pid = pid, Level = level, EventId = id, Text = text });

    /// <summary>The last lines of the last process that wrote any at this index, oldest first; empty if there are none.</summary>
    public IReadOnlyList<string> Of(int index)
    {
        // Earlier processes usually failed in the same way and wrote the same lines.
        var lines = Newest(LastLines, entry => !entry.IsEvent && entry.Worker == index);
        return [.. lines.Where(line => line.Pid == lines[^1].Pid).Select(static line => line.Text)];
    }

    /// <summary>The entries that are kept, oldest first.</summary>
    /// <param name="after">Only entries after this sequence number.</param>
    /// <param name="count">At most this many, the youngest.</param>
    /// <param name="worker">Only entries about this worker; null for all.</param>
    /// <param name="eventsOnly">Only the supervisor's events.</param>
    /// <returns>The entries, and the sequence number to pass as <paramref name="after"/> next time.</returns>
    public (IReadOnlyList<JournalEntry> Entries, long Next) Read(long after, int count, int? worker = null, bool eventsOnly = false)
    {
        lock (_gate)
        {
            if (eventsOnly && _events.Youngest <= after)
            {
                return ([], _sequence);
            }

            return (Newest(count, entry => entry.Sequence > after && (worker is null || entry.Worker == worker) && (entry.IsEvent || !eventsOnly)), _sequence);
        }
    }

    /// <summary>The youngest of the wanted entries, oldest first.</summary>
    public IReadOnlyList<JournalEntry> Newest(int count, Func<JournalEntry, bool> wanted)
    {
        List<JournalEntry> found;
        lock (_gate)
        {
            found = [.. _processes.Values.Append(_events).SelectMany(static ring => ring.Entries).Where(wanted)];
        }

        found.Sort(static (one, other) => one.Sequence.CompareTo(other.Sequence));
        return found.Count > count ? found[^count..] : found;
    }

    private void Add(JournalEntry entry)
    {
        lock (_gate)
        {
            entry = entry with { Sequence = ++_sequence };
            var ring = entry.IsEvent ? _events : RingOf(entry.Worker!.Value, entry.Pid!.Value);
            ring.Add(entry);
        }
    }

    // An unknown process was already forgotten, and a grandchild still writes to its pipe.
    private Ring RingOf(int worker, int pid)
    {
        if (!_processes.TryGetValue((worker, pid), out var ring))
        {
            _processes[(worker, pid)] = ring = new Ring(LinesOfAWorker) { Youngest = _sequence };
            ring.BecomePast();
            ForgetTheOldest();
        }

        return ring;
    }

    private void ForgetTheOldest()
    {
        var past = _processes.Where(static one => one.Value.IsPast).ToList();
        if (past.Count > Past)
        {
            _ = _processes.Remove(past.MinBy(static one => one.Value.Youngest).Key);
        }
    }

    private sealed class Ring(int most)
    {
        private int _most = most;
        private int _mostCharacters = Characters;
        private int _characters;

        public Queue<JournalEntry> Entries { get; } = new();

        public bool IsPast { get; private set; }

        public long Youngest { get; set; }

        public void Add(JournalEntry entry)
        {
            Entries.Enqueue(entry);
            Youngest = entry.Sequence;
            _characters += entry.Text.Length;
            Shrink();
        }

        /// <summary>Another process has the index now: only the last lines of this one are kept.</summary>
        public void BecomePast()
        {
            (_most, _mostCharacters, IsPast) = (LinesOfThePast, CharactersOfThePast, true);
            Shrink();
        }

        private void Shrink()
        {
            while (Entries.Count > 1 && (Entries.Count > _most || _characters > _mostCharacters))
            {
                _characters -= Entries.Dequeue().Text.Length;
            }
        }
    }
}

/// <summary>One line of the <see cref="Journal"/>.</summary>
internal sealed record JournalEntry
{
    /// <summary>Increases by one with each entry.</summary>
    public long Sequence { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>The worker that wrote it or that it is about; null for an event that is not about one worker.</summary>
    public int? Worker { get; init; }

    /// <summary>The pid of that worker; null if the event is not about a process.</summary>
    public int? Pid { get; init; }

    /// <summary>The stream that the worker wrote to; null for an event.</summary>
    public OutputStream? Stream { get; init; }

    public LogLevel Level { get; init; } = LogLevel.None;

    public EventId EventId { get; init; }

    public required string Text { get; init; }

    public bool IsEvent => Stream is null;
}
