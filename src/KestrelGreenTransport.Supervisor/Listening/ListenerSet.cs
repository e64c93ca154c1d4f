using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Listening;

// A socket is closed when nobody needs it any more: neither a generation that was told to listen there, whose workers are
// born with it, nor a worker that asked for it. Two that need the same address share one socket.

/// <summary>Every listening socket that the supervisor holds. Used by any thread; whoever looks has a snapshot.</summary>
internal sealed class ListenerSet : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<BoundListener, int> _users = [];
    private ImmutableArray<BoundListener> _all = [];
    private volatile bool _isLetGo;
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

    /// <summary>Whether they are another supervisor's.</summary>
    public bool AreLetGo => _isLetGo;

    /// <summary>Whether new clients are turned away, for good.</summary>
    public bool AreClosing => _areClosing;

    /// <summary>Takes in a new socket, for its first user.</summary>
    public BoundListener Add(BoundListener listener)
    {
        lock (_lock)
        {
            _all = _all.Add(listener);
            _users[listener] = 1;
            return listener;
        }
    }

    /// <summary>The socket that was bound for this, for one user more; null when there is none.</summary>
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
    /// One user less. With its last one a socket is closed, and its clients are refused from now on; but one that somebody else
    /// gave us stays open, since it could not be had again.
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

        listener.Close(keepPath: _isLetGo);
        return true;
    }

    /// <summary>Changes the sockets that are ours; those that somebody else bound are as that one wants them.</summary>
    /// <param name="backlog">How many connections may wait.</param>
    /// <param name="mode">The rights of Unix sockets; null for what the umask leaves.</param>
    /// <returns>What was refused, and why.</returns>
    public IReadOnlyList<(BoundListener Listener, string Error)> Adjust(int backlog, UnixFileMode? mode)
    {
        var refused = new List<(BoundListener, string)>();

        // None is closed meanwhile: its number may be another descriptor's then.
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

    /// <summary>Nobody new comes in by the sockets that are ours; those who are connecting still do.</summary>
    public void TurnAway()
    {
        _areClosing = true;
        ForOurs(static listener => listener.TurnAway());
    }

    /// <summary>Closes the sockets that are ours; each is gone, and refuses, when the last worker has closed it too.</summary>
    public void CloseOurs() => ForOurs(static listener => listener.Close());

    /// <summary>They are another supervisor's from now on: what is closed here loses no file.</summary>
    public void LetGo() => _isLetGo = true;

    /// <summary>They are ours from now on, with their files.</summary>
    public void TakeOver() => _isLetGo = false;

    public void Dispose()
    {
        foreach (var listener in All)
        {
            listener.Dispose(keepPath: _isLetGo);
        }
    }

    // None is closed meanwhile by another thread: its number may be another descriptor's then.
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
