namespace KestrelGreenTransport.Binding;

// An address is served by one host of the process: a second one is refused, as two processes would be. So a client of an
// address that was meant for loopback never reaches the app of another host.

/// <summary>Which of the hosts of a process serves which of the sockets that it was given.</summary>
internal sealed class HostClaims
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, object> _owners = [];
    private int _hosts;
    private int _started;

    /// <summary>Whether more than one host may ask for sockets.</summary>
    public bool AreSeveral => Volatile.Read(ref _hosts) > 1;

    /// <summary>A host has called <c>UseGreenTransport()</c>.</summary>
    public void Expect() => Interlocked.Increment(ref _hosts);

    /// <summary>A host runs; true when all do.</summary>
    public bool Started() => Interlocked.Increment(ref _started) >= Volatile.Read(ref _hosts);

    /// <summary>A host stops, or did not start; true when none is left.</summary>
    public bool Gone(bool wasStarted)
    {
        Interlocked.Add(ref _started, wasStarted ? -1 : 0);
        return Interlocked.Decrement(ref _hosts) <= 0;
    }

    /// <summary>False when another host serves it.</summary>
    public bool TryClaim(string name, object owner)
    {
        lock (_lock)
        {
            return _owners.TryAdd(name, owner) || _owners[name] == owner;
        }
    }

    /// <summary>Whether a host serves it.</summary>
    public bool IsTaken(string name)
    {
        lock (_lock)
        {
            return _owners.ContainsKey(name);
        }
    }

    public void Release(string name, object owner)
    {
        lock (_lock)
        {
            if (_owners.TryGetValue(name, out var one) && one == owner)
            {
                _owners.Remove(name);
            }
        }
    }
}
