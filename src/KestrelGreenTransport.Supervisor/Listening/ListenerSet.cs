using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Listening;

// A socket is closed when it has no user left: neither a generation that was told to listen there, whose workers
// inherit it, nor a worker that asked for it. Users that need the same address share one socket.

/// <summary>Every listening socket that the supervisor holds. Used by any thread; readers get a snapshot.</summary>
internal sealed class ListenerSet : HandedOver, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<BoundListener, int> _users = [];
    private ImmutableArray<BoundListener> _all = [];
    private volatile bool _areClosing;

    public ImmutableArray<BoundListener> All
    {
        get
        {
            lock (_lock)
            {
                return _all;
            }
        }
    }

    /// <summary>Whether new clients are turned away, which is final.</summary>
    public bool AreClosing => _areClosing;

    /// <summary>Adds a new socket with its first user.</summary>
    public BoundListener Add(BoundListener listener)
    {
        lock (_lock)
        {
            _all = _all.Add(listener);
            _users[listener] = 1;
            return listener;
        }
    }

    /// <summary>The socket with this key, with one more user; null if there is none.</summary>
    public BoundListener? Share(string key)
    {
        lock (_lock)
        {
            var found = _all.FirstOrDefault(listener => listener.Key == key);
            if (found is not null)
            {
                _users[found]++;
            }

            return found;
        }
    }

    /// <summary>
    /// Removes a user. A socket without users is closed, and its clients are refused from then on. An inherited socket stays
    /// open, since we could not get it back.
    /// </summary>
    /// <returns>Whether it was closed.</returns>
    public bool Release(BoundListener listener)
    {
        lock (_lock)
        {
            if (--_users[listener] > 0 || !listener.IsOurs)
            {
                return false;
            }

            _users.Remove(listener);
            _all = _all.Remove(listener);
        }

        listener.Close(keepPath: !IsOurs);
        return true;
    }

    /// <summary>Adjusts the sockets that we bound; inherited ones are left as they are.</summary>
    /// <param name="backlog">How many connections may wait.</param>
    /// <param name="mode">The mode of Unix sockets; null for what the umask leaves.</param>
    /// <returns>The sockets that could not be adjusted, and why.</returns>
    public IReadOnlyList<(BoundListener Listener, string Error)> Adjust(int backlog, UnixFileMode? mode)
    {
        var refused = new List<(BoundListener, string)>();

        // Under the lock, so that no socket is closed meanwhile: its number could then be another descriptor's.
        lock (_lock)
        {
            foreach (var listener in _all.Where(static one => one.IsOurs))
            {
                if (listener.Adjust(backlog, mode) is { } error)
                {
                    refused.Add((listener, error));
                }
            }
        }

        return refused;
    }

    /// <summary>Stops new clients on the sockets that we bound; clients that are already connecting still get through.</summary>
    public void TurnAway()
    {
        _areClosing = true;
        ForOurs(static listener => listener.TurnAway());
    }

    /// <summary>Closes the sockets that we bound; each refuses clients once the last worker has closed it too.</summary>
    public void CloseOurs() => ForOurs(static listener => listener.Close());

    public void Dispose()
    {
        foreach (var listener in All)
        {
            listener.Dispose(keepPath: !IsOurs);
        }
    }

    // Under the lock, so that no other thread closes a socket meanwhile: its number could then be another descriptor's.
    private void ForOurs(Action<BoundListener> act)
    {
        lock (_lock)
        {
            foreach (var listener in _all.Where(static one => one.IsOurs))
            {
                act(listener);
            }
        }
    }
}
