namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>What a loop watches besides connections, by number. For any thread; numbers are not reused.</summary>
internal sealed class LoopSources
{
    private readonly Lock _lock = new();

    // Number 0 is the event that only wakes.
    private ILoopSource?[] _sources = [null];

    public ulong Add(ILoopSource source)
    {
        lock (_lock)
        {
            _sources = [.. _sources, source];
            return (ulong)(_sources.Length - 1);
        }
    }

    public void Remove(ulong number)
    {
        lock (_lock)
        {
            _sources[number] = null;
        }
    }

    public ILoopSource? Find(ulong number)
    {
        var sources = Volatile.Read(ref _sources);
        return number < (ulong)sources.Length ? sources[number] : null;
    }
}
