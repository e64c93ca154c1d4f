using System.Collections.Immutable;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// What the transport knows about itself, for the heartbeat, the board and the meter: a DI singleton to which listeners add
/// their pools and backends their probes. Written rarely, read from the beat thread.
/// </summary>
/// <param name="process">The state of the whole process, shared by all hosts of a worker: what is added here is added there too.</param>
internal sealed class TransportState(TransportState? process = null)
{
    private ImmutableArray<IPoolFigures> _pools = [];
    private ImmutableArray<ILoopProbe> _probes = [];

    public ImmutableArray<IPoolFigures> Pools => _pools;

    /// <summary>Whether connections record that HTTP got them; if not, all count as HTTP.</summary>
    public bool MarksHttp { get; set; }

    /// <summary>One for each event loop or IO engine that a full beat must pass through.</summary>
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
    /// <summary>The address of its listener, as the worker contract writes it.</summary>
    string Endpoint { get; }

    long Held { get; }

    long Slots { get; }

    /// <summary>Whether any slot is taken: by a connection, by one that is being accepted right now, or for the next accept.</summary>
    bool IsInUse { get; }

    long Accepted { get; }
}

/// <summary>One event loop or IO engine, as the beat sees it.</summary>
internal interface ILoopProbe
{
    /// <summary>
    /// Asks the loop to call <paramref name="passed"/> once from its own thread, as soon as it gets there. Never blocks and
    /// never throws; a loop that is stuck never calls.
    /// </summary>
    void Pass(Action passed);
}
