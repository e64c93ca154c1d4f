using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>
/// The last lines of each worker and the last events of the supervisor, in memory: what <c>green logs</c>,
/// <c>green status N</c>, <c>green top</c> and the admin page show.
///
/// Each process has room of its own, so that a chatty one pushes neither its siblings' lines out nor the last words of the
/// one that it replaces; so have the events.
/// Adding a line never waits for anything but another one being added or the list being copied.
/// </summary>
internal sealed class Journal(TimeProvider time)
{
    /// <summary>The most lines that are kept of a worker.</summary>
    public const int LinesOfAWorker = 1000;

    /// <summary>The most events that are kept.</summary>
    public const int Events = 1000;

    /// <summary>The most characters that are kept of a worker, and of all events.</summary>
    public const int Characters = 256 * 1024;

    /// <summary>The most lines that are kept of a process once another has its index.</summary>
    public const int LinesOfThePast = 100;

    /// <summary>The most characters that are kept of such a process.</summary>
    public const int CharactersOfThePast = 32 * 1024;

    /// <summary>Of so many such processes something is kept, the youngest.</summary>
    public const int Past = 32;

    // What a person can take in of a worker that cannot start.
    private const int LastWords = 30;

    private readonly Lock _gate = new();
    private readonly Dictionary<(int Worker, int Pid), Ring> _processes = [];
    private readonly Ring _events = new(Events);
    private long _sequence;

    /// <summary>A process has this index from now on. Those before it are the past.</summary>
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

    /// <summary>Takes a line that a worker wrote.</summary>
    public void AddLine(int worker, int pid, OutputStream stream, string text) =>
        Add(new JournalEntry { At = time.GetUtcNow(), Worker = worker, Pid = pid, Stream = stream, Text = text });

    /// <summary>Takes an event of the supervisor's own.</summary>
    public void AddEvent(LogLevel level, EventId id, int? worker, int? pid, string text) =>
        Add(new JournalEntry { At = time.GetUtcNow(), Worker = worker, Pid = pid, Level = level, EventId = id, Text = text });

    /// <summary>The last lines of the last process that wrote any at this index, oldest first; empty when there are none.</summary>
    public IReadOnlyList<string> Of(int index)
    {
        // Those before it failed in the same way, mostly, and with the same lines.
        var lines = Newest(LastWords, entry => !entry.IsEvent && entry.Worker == index);
        return [.. lines.Where(line => line.Pid == lines[^1].Pid).Select(static line => line.Text)];
    }

    /// <summary>What is kept, oldest first.</summary>
    /// <param name="after">Only what came after this sequence.</param>
    /// <param name="count">At most so many, the youngest.</param>
    /// <param name="worker">Only what concerns this worker; null: all.</param>
    /// <param name="eventsOnly">Only the supervisor's own events.</param>
    /// <returns>The entries, and the sequence to ask from next.</returns>
    public (IReadOnlyList<JournalEntry> Entries, long Next) Read(long after, int count, int? worker = null, bool eventsOnly = false)
    {
        lock (_gate)
        {
            return (Newest(count, entry => entry.Sequence > after && (worker is null || entry.Worker == worker) && (entry.IsEvent || !eventsOnly)), _sequence);
        }
    }

    /// <summary>The youngest of those that are wanted, oldest first.</summary>
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

    // One that is not known was forgotten, and a grandchild writes on in its name.
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

        /// <summary>Another process has the index now: of this one the last words are kept.</summary>
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
    /// <summary>Grows by one with each entry of the supervisor's life.</summary>
    public long Sequence { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>The worker that wrote it or that it is about; null for an event of the whole.</summary>
    public int? Worker { get; init; }

    /// <summary>The pid of that worker; null for an event of the whole, or of an index without a process.</summary>
    public int? Pid { get; init; }

    /// <summary>Where a worker wrote it; null for an event.</summary>
    public OutputStream? Stream { get; init; }

    public LogLevel Level { get; init; } = LogLevel.None;

    public EventId EventId { get; init; }

    public required string Text { get; init; }

    public bool IsEvent => Stream is null;
}
