using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>
/// The last lines of each worker and the last events of the supervisor, in memory: what <c>green logs</c>,
/// <c>green status N</c>, <c>green top</c> and the admin page show.
///
/// Each worker has room of its own, so that a chatty one does not push the others' lines out; so have the events.
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

    // What a person can take in of a worker that cannot start.
    private const int LastWords = 30;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Ring> _workers = [];
    private readonly Ring _events = new(Events);
    private long _sequence;

    /// <summary>Takes a line that a worker wrote.</summary>
    public void AddLine(int worker, OutputStream stream, string text) =>
        Add(new JournalEntry { At = time.GetUtcNow(), Worker = worker, Stream = stream, Text = text });

    /// <summary>Takes an event of the supervisor's own.</summary>
    public void AddEvent(LogLevel level, EventId id, int? worker, string text) =>
        Add(new JournalEntry { At = time.GetUtcNow(), Worker = worker, Level = level, EventId = id, Text = text });

    /// <summary>The last lines that a worker wrote, oldest first; empty when it wrote nothing.</summary>
    public IReadOnlyList<string> Of(int index)
    {
        lock (_gate)
        {
            return _workers.TryGetValue(index, out var ring) ? [.. ring.Entries.TakeLast(LastWords).Select(static entry => entry.Text)] : [];
        }
    }

    /// <summary>What is kept, oldest first.</summary>
    /// <param name="after">Only what came after this sequence.</param>
    /// <param name="count">At most so many, the youngest.</param>
    /// <param name="worker">Only what concerns this worker; null: all.</param>
    /// <param name="eventsOnly">Only the supervisor's own events.</param>
    /// <returns>The entries, and the sequence to ask from next.</returns>
    public (IReadOnlyList<JournalEntry> Entries, long Next) Read(long after, int count, int? worker = null, bool eventsOnly = false)
    {
        List<JournalEntry> found;
        long next;
        lock (_gate)
        {
            next = _sequence;
            found = [.. _events.Entries.Where(entry => entry.Sequence > after && (worker is null || entry.Worker == worker))];
            if (!eventsOnly)
            {
                foreach (var (index, ring) in _workers)
                {
                    if (worker is null || index == worker)
                    {
                        found.AddRange(ring.Entries.Where(entry => entry.Sequence > after));
                    }
                }
            }
        }

        found.Sort(static (one, other) => one.Sequence.CompareTo(other.Sequence));
        return (found.Count > count ? found[^count..] : found, next);
    }

    private void Add(JournalEntry entry)
    {
        lock (_gate)
        {
            entry = entry with { Sequence = ++_sequence };
            if (entry.IsEvent)
            {
                _events.Add(entry);
            }
            else
            {
                (_workers.TryGetValue(entry.Worker!.Value, out var ring) ? ring : _workers[entry.Worker.Value] = new Ring(LinesOfAWorker)).Add(entry);
            }
        }
    }

    private sealed class Ring(int most)
    {
        private int _characters;

        public Queue<JournalEntry> Entries { get; } = new();

        public void Add(JournalEntry entry)
        {
            Entries.Enqueue(entry);
            _characters += entry.Text.Length;
            while (Entries.Count > 1 && (Entries.Count > most || _characters > Characters))
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

    /// <summary>Where a worker wrote it; null for an event.</summary>
    public OutputStream? Stream { get; init; }

    public LogLevel Level { get; init; } = LogLevel.None;

    public EventId EventId { get; init; }

    public required string Text { get; init; }

    public bool IsEvent => Stream is null;
}
