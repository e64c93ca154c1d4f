using Microsoft.Extensions.Primitives;

namespace KestrelGreenTransport;

/// <summary>
/// Which of several workers this process is. Registered by <c>UseGreenTransport()</c>; without a supervisor the one
/// process is worker 1 of generation 1, and leads.
/// </summary>
public interface IGreenWorker
{
    /// <summary>The worker's index, from 1: no two living workers of one supervisor share one.</summary>
    int Index { get; }

    /// <summary>The reload epoch that it belongs to, from 1.</summary>
    long Generation { get; }

    /// <summary>
    /// Whether this worker leads now. At most one of a supervisor's workers does: the next one is appointed only when
    /// the one before has let go, or is dead. While a worker is replaced nobody may lead for a moment.
    /// </summary>
    bool IsLeader { get; }

    /// <summary>Fires once, when <see cref="IsLeader"/> changes next. A leader that is dismissed counts as one until the callbacks have returned.</summary>
    IChangeToken LeadershipChanged { get; }
}
