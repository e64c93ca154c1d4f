namespace KestrelGreenTransport.Binding;

// An address is served by one host of the process; a second host is refused, as a second process would be. So a client of
// an address that was meant for loopback never reaches another host's app.

/// <summary>Which host of the process serves which of its sockets.</summary>
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

    /// <summary>A host has started; true when all have.</summary>
    public bool Started() => Interlocked.Increment(ref _started) >= Volatile.Read(ref _hosts);

    /// <summary>A host is stopping, or did not start; true when none is left.</summary>
    public bool Gone(bool wasStarted)
    {
        Interlocked.Add(ref _started, wasStarted ? -1 : 0);
        return Interlocked.Decrement(ref _hosts) <= 0;
    }

    /// <summary>False if another host serves it.</summary>
    public bool TryClaim(string name, object owner)
    {
        lock (_lock)
        {
            return _owners.TryAdd(name, owner) || _owners[name] == owner;
        }
    }

    /// <summary>Whether any host serves it.</summary>
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
