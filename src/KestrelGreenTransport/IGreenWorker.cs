using Microsoft.Extensions.Primitives;

namespace KestrelGreenTransport;

/// <summary>
/// Which of several workers this process is. Registered by <c>UseGreenTransport()</c>; without a supervisor the only
/// process is worker 1 of generation 1, and the leader.
/// </summary>
public interface IGreenWorker
{
    /// <summary>The worker's index, from 1. No two running workers of a supervisor have the same index.</summary>
    int Index { get; }

    /// <summary>The generation (reload epoch) of this worker, from 1.</summary>
    long Generation { get; }

    /// <summary>
    /// Whether this worker is the leader now. At most one of a supervisor's workers is: the next one is appointed only after the
    /// previous one has resigned or died. While a worker is being replaced there may be no leader for a moment.
    /// </summary>
    bool IsLeader { get; }

    /// <summary>Fires once, at the next change of <see cref="IsLeader"/>. After a dismissal no other worker becomes the leader before the callbacks have returned.</summary>
    IChangeToken LeadershipChanged { get; }
}
