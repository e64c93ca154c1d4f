using System.Globalization;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Parts;

// An endpoint is bound once, no matter which workers ask for it, or how often.
// A socket in use is kept. So is an unused one, until a worker serves without having asked for it: when the only worker
// dies, its replacement asks again.

/// <summary>
/// Which worker asked for which endpoint, and the result. Decides what to bind, answer and close, and performs nothing
/// itself.
/// </summary>
/// <typeparam name="TSocket">A listening socket; tests use names.</typeparam>
internal sealed class BrokerBook<TSocket>
    where TSocket : class
{
    private readonly Dictionary<string, Entry> _entries = [];

    /// <summary>Takes a question. The answer is known, or the caller must bind now, or the bind is in progress.</summary>
    public Asked Ask(Question question, ListenEndpoint endpoint)
    {
        var key = KeyOf(question, endpoint);
        if (!_entries.TryGetValue(key, out var entry))
        {
            _entries.Add(key, entry = new Entry());
            entry.Waiting.Add(question);
            return new Asked(key, null, BindNow: true);
        }

        if (entry.Socket is null)
        {
            entry.Waiting.Add(question);
            return new Asked(key, null, BindNow: false);
        }

        entry.Users.Add(question.Pid);
        return new Asked(key, entry.Socket, BindNow: false);
    }

    /// <summary>It is bound: returns the questions to answer.</summary>
    public IReadOnlyList<Question> Succeeded(string key, TSocket socket)
    {
        var entry = _entries[key];
        entry.Socket = socket;
        entry.Users.UnionWith(entry.Waiting.Select(static question => question.Pid));
        return entry.TakeWaiting();
    }

    /// <summary>It cannot be bound: returns the questions to answer; a later question causes another attempt.</summary>
    public IReadOnlyList<Question> Failed(string key)
    {
        var waiting = _entries[key].TakeWaiting();
        _entries.Remove(key);
        return waiting;
    }

    /// <summary>A process has ended.</summary>
    public void Gone(int pid)
    {
        foreach (var entry in _entries.Values)
        {
            entry.Users.Remove(pid);
            entry.Waiting.RemoveAll(question => question.Pid == pid);
        }
    }

    /// <summary>Removes and returns, for closing, the sockets without a user, once a worker serves without them.</summary>
    /// <param name="serving">The processes that serve.</param>
    public IReadOnlyList<TSocket> TakeUnused(IReadOnlyCollection<int> serving)
    {
        if (serving.Count == 0)
        {
            return [];
        }

        var unused = _entries.Where(static one => one.Value is { Socket: not null, Users.Count: 0, Waiting.Count: 0 }).ToArray();
        foreach (var (key, _) in unused)
        {
            _entries.Remove(key);
        }

        return [.. unused.Select(static one => one.Value.Socket!)];
    }

    // With port 0 the kernel chooses: a process that asks twice wants two ports, and its sibling the same two.
    private string KeyOf(Question question, ListenEndpoint endpoint)
    {
        if (endpoint.IP is not { Port: 0 })
        {
            return endpoint.ToString();
        }

        var number = 1;
        while (_entries.TryGetValue(Key(number), out var entry) && (entry.Users.Contains(question.Pid) || entry.Waiting.Any(one => one.Pid == question.Pid)))
        {
            number++;
        }

        return Key(number);

        string Key(int number) => string.Create(CultureInfo.InvariantCulture, $"{endpoint}#{number}");
    }

    /// <param name="Key">The key to pass to <see cref="Succeeded"/> or <see cref="Failed"/>.</param>
    /// <param name="Socket">The answer, if it is known.</param>
    /// <param name="BindNow">Whether the caller must bind it.</param>
    public readonly record struct Asked(string Key, TSocket? Socket, bool BindNow);

    private sealed class Entry
    {
        public TSocket? Socket { get; set; }

        public HashSet<int> Users { get; } = [];

        public List<Question> Waiting { get; } = [];

        public Question[] TakeWaiting()
        {
            Question[] waiting = [.. Waiting];
            Waiting.Clear();
            return waiting;
        }
    }
}

/// <summary>One question of a worker.</summary>
/// <param name="Pid">The process that asks.</param>
/// <param name="Id">The process's number for the question.</param>
internal readonly record struct Question(int Pid, long Id);
