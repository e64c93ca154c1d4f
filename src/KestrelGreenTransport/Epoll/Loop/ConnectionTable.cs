namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// The connections of one loop by number. Events carry a number and a generation. A number is reused, the pair is not, so an
/// event that was fetched before its connection closed finds none.
///
/// The table keeps a connection alive while an event may still come for it. After that the connection is let go, and lives
/// as long as its app references it.
/// </summary>
internal sealed class ConnectionTable
{
    private readonly Lock _lock = new();
    private readonly Stack<int> _free = new();
    private Entry[] _entries = new Entry[64];
    private int _used;
    private int _count;

    /// <summary>How many connections are open.</summary>
    public int Count => Volatile.Read(ref _count);

    public static ulong DataOf(int index, uint generation) => ((ulong)generation << 32) | (uint)index;

    /// <summary>Adds a connection. Its generation is never 0, which marks events that belong to no connection.</summary>
    public (int Index, uint Generation) Add(ILoopConnection connection)
    {
        lock (_lock)
        {
            if (!_free.TryPop(out var index))
            {
                index = _used;
                if (index == _entries.Length)
                {
                    // A reader with the old array only looks for connections that were added before.
                    Array.Resize(ref _entries, index * 2);
                }

                _used++;
            }

            ref var entry = ref _entries[index];
            var generation = entry.Generation + 1;
            entry.Generation = generation == 0 ? 1 : generation;
            Volatile.Write(ref entry.Connection, connection);
            _count++;
            return (index, entry.Generation);
        }
    }

    /// <summary>Stops keeping a connection from being collected. It is still found while it lives.</summary>
    public void LetGo(int index, ILoopConnection connection)
    {
        lock (_lock)
        {
            ref var entry = ref _entries[index];
            if (entry.Connection == connection)
            {
                // In this order, for readers without the lock.
                entry.LetGo ??= new WeakReference<ILoopConnection>(connection);
                Volatile.Write(ref entry.Connection, null);
            }
        }
    }

    /// <summary>Keeps a connection alive again that was let go.</summary>
    public void Keep(int index, ILoopConnection connection)
    {
        lock (_lock)
        {
            ref var entry = ref _entries[index];
            if (entry.Find() == connection)
            {
                Volatile.Write(ref entry.Connection, connection);
            }
        }
    }

    public void Remove(int index)
    {
        lock (_lock)
        {
            _entries[index].Connection = null;
            _entries[index].LetGo = null;
            _free.Push(index);
            _count--;
        }
    }

    /// <summary>The connection that an event is for, or null if it has closed. For any thread.</summary>
    public ILoopConnection? Find(ulong data)
    {
        var entries = Volatile.Read(ref _entries);
        var index = (uint)data;
        if (index >= (uint)entries.Length)
        {
            return null;
        }

        ref var entry = ref entries[index];
        var connection = entry.Find();
        return entry.Generation == (uint)(data >> 32) ? connection : null;
    }

    /// <summary>The connections that are open at this moment.</summary>
    public ILoopConnection[] Snapshot()
    {
        lock (_lock)
        {
            return [.. _entries.Take(_used).Select(static entry => entry.Find()).OfType<ILoopConnection>()];
        }
    }

    private struct Entry
    {
        public ILoopConnection? Connection;
        public WeakReference<ILoopConnection>? LetGo;
        public uint Generation;

        public ILoopConnection? Find() => Volatile.Read(ref Connection) ?? (LetGo is { } letGo && letGo.TryGetTarget(out var connection) ? connection : null);
    }
}
