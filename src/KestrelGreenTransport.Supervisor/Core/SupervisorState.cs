using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Everything the arbiter knows. Immutable: each step creates a new one.</summary>
internal sealed record SupervisorState
{
    public required ArbiterSettings Settings { get; init; }

    public SupervisorPhase Phase { get; init; } = SupervisorPhase.Starting;

    /// <summary>The generation in force: every worker started outside a reload belongs to it.</summary>
    public long Generation { get; init; } = 1;

    /// <summary>The highest generation tried so far. A number is never reused.</summary>
    public long LastGeneration { get; init; } = 1;

    /// <summary>How many serving workers are wanted.</summary>
    public required int Target { get; init; }

    /// <summary>Whether every worker was asked to leave while the sockets stay open, until the next reload.</summary>
    public bool IsDrained { get; init; }

    /// <summary>By index: the living workers, and the seats that wait in backoff for their next process.</summary>
    public ImmutableSortedDictionary<int, WorkerHandle> Workers { get; init; } = ImmutableSortedDictionary<int, WorkerHandle>.Empty;

    /// <summary>The processes that ended last, oldest first; at most <see cref="ArbiterSettings.MostEnded"/>.</summary>
    public ImmutableList<EndedWorker> Ended { get; init; } = [];

    /// <summary>Whether any worker ever served. From then on the supervisor never gives up.</summary>
    public bool EverServed { get; init; }

    /// <summary>Whether any worker ever said hello.</summary>
    public bool EverHello { get; init; }

    /// <summary>Monotonic nanoseconds of the last step, to notice that the supervisor itself was paused.</summary>
    public long LastStepAt { get; init; }

    /// <summary>State of the random number generator behind the jitter. It starts from a seed, so that a step stays pure.</summary>
    public uint Random { get; init; } = 1;

    /// <summary>The generation that is being prepared (settings, the command before the start), or null.</summary>
    public long? Preparing { get; init; }

    /// <summary>The reload that is under way, or null.</summary>
    public Reload? Reload { get; init; }

    /// <summary>The number of the last reload that was requested. All requests during one reload count as one more.</summary>
    public long ReloadsAsked { get; init; }

    /// <summary>The number of the last reload that was begun.</summary>
    public long ReloadsBegun { get; init; }

    /// <summary>How the last reload ended; null before the first.</summary>
    public ReloadOutcome? LastReload { get; init; }

    /// <summary>What clients have asked for and wait for, oldest first.</summary>
    public ImmutableList<Operation> Operations { get; init; } = [];

    /// <summary>The one replacement that boots while the old worker still serves, or null.</summary>
    public Surge? Surge { get; init; }

    /// <summary>How often each verdict was given.</summary>
    public VerdictCounts Verdicts { get; init; }

    /// <summary>Whether this supervisor may appoint a leader: not while a worker of the previous supervisor may still lead.</summary>
    public bool HasLead { get; init; } = true;

    /// <summary>Whether a successor takes over, which then decides what clients wait for.</summary>
    public bool HasSuccessor { get; init; }

    /// <summary>The leader; null while there is none.</summary>
    public Leader? Leader { get; init; }

    /// <summary>The stop that is under way, or null.</summary>
    public StopKind? Stop { get; init; }

    /// <summary>The code to exit with once every worker is gone.</summary>
    public int ExitCode { get; init; }
}

/// <summary>State of the supervisor, as the status document names it.</summary>
internal enum SupervisorPhase
{
    Starting,
    Running,
    Degraded,
    Reloading,
    Stopping,
    Stopped,

    /// <summary>A successor is starting. Only the status document says so: the arbiter decides as in the other states.</summary>
    Upgrading,
}

/// <summary>A reload under way: from generation <see cref="SupervisorState.Generation"/> to another.</summary>
internal sealed record Reload
{
    public required long Number { get; init; }

    public required long Generation { get; init; }

    /// <summary>The settings of the new generation; null while it is prepared.</summary>
    public ArbiterSettings? Settings { get; init; }

    public long StartedAt { get; init; }

    /// <summary>
    /// Whether it rolls back a reload that failed: its generation is the one in force, and it replaces the workers of the
    /// failed one.
    /// </summary>
    public bool IsRollback { get; init; }
}

/// <summary>How a reload ended.</summary>
/// <param name="Number">Which one.</param>
/// <param name="Generation">The generation that it was to introduce.</param>
/// <param name="Failure">Why it failed; null when it succeeded.</param>
internal sealed record ReloadOutcome(long Number, long Generation, Notice? Failure);

/// <summary>A replacement that starts before the old worker leaves: temporarily one worker more than wanted.</summary>
/// <param name="Candidate">The index of the new worker; null once it serves and the old worker is leaving.</param>
/// <param name="Outgoing">The index of the old worker; null while that is undecided.</param>
/// <param name="Reason">Why the old worker is replaced.</param>
internal sealed record Surge(int? Candidate, int? Outgoing, ExitReason Reason);
