using System.Collections.Immutable;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// What the transport knows of itself, for the heartbeat, the board and the meter: a DI singleton where listeners enter
/// their pools and backends their probes. Written rarely, read from the beat thread.
/// </summary>
/// <param name="process">Where all hosts of a worker come together: what is entered here is entered there too.</param>
internal sealed class TransportState(TransportState? process = null)
{
    private ImmutableArray<IPoolFigures> _pools = [];
    private ImmutableArray<ILoopProbe> _probes = [];

    public ImmutableArray<IPoolFigures> Pools => _pools;

    /// <summary>Whether connections say when HTTP gets them; else all count as HTTP.</summary>
    public bool MarksHttp { get; set; }

    /// <summary>One for each event loop or IO engine that must pass a full beat.</summary>
    public ImmutableArray<ILoopProbe> Probes => _probes;

    public void Add(IPoolFigures pool)
    {
        ImmutableInterlocked.Update(ref _pools, static (all, one) => all.Add(one), pool);
        process?.Add(pool);
    }

    public void Remove(IPoolFigures pool)
    {
        ImmutableInterlocked.Update(ref _pools, static (all, one) => all.Remove(one), pool);
        process?.Remove(pool);
    }

    public void Add(ILoopProbe probe)
    {
        ImmutableInterlocked.Update(ref _probes, static (all, one) => all.Add(one), probe);
        process?.Add(probe);
    }

    public void Remove(ILoopProbe probe)
    {
        ImmutableInterlocked.Update(ref _probes, static (all, one) => all.Remove(one), probe);
        process?.Remove(probe);
    }
}

/// <summary>The figures of one pool.</summary>
internal interface IPoolFigures
{
    /// <summary>Where its listener listens, as the worker contract writes it.</summary>
    string Endpoint { get; }

    long Held { get; }

    long Slots { get; }

    /// <summary>Whether a slot is taken: by a connection, by one that is being accepted right now, or for the next accept.</summary>
    bool IsInUse { get; }

    long Accepted { get; }
}

/// <summary>One event loop or IO engine, as the beat sees it.</summary>
internal interface ILoopProbe
{
    /// <summary>
    /// Asks the loop to call <paramref name="passed"/> from its own thread, once, as soon as it gets there. Never
    /// blocks and never throws; a loop that is stuck never calls.
    /// </summary>
    void Pass(Action passed);
}
