using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Everything the arbiter knows. Immutable: a step makes a new one.</summary>
internal sealed record SupervisorState
{
    public required ArbiterSettings Settings { get; init; }

    public SupervisorPhase Phase { get; init; } = SupervisorPhase.Starting;

    /// <summary>The generation in force: of it are all workers that come up outside of a reload.</summary>
    public long Generation { get; init; } = 1;

    /// <summary>The highest generation that was ever tried. A number is never used for two.</summary>
    public long LastGeneration { get; init; } = 1;

    /// <summary>How many serving workers are wanted.</summary>
    public required int Target { get; init; }

    /// <summary>Whether every worker was asked to leave while the sockets stay; until the next reload.</summary>
    public bool IsDrained { get; init; }

    /// <summary>By index. Contains the living, and those that wait in backoff for their next process.</summary>
    public ImmutableSortedDictionary<int, WorkerHandle> Workers { get; init; } = ImmutableSortedDictionary<int, WorkerHandle>.Empty;

    /// <summary>The processes that ended last, oldest first; at most <see cref="ArbiterSettings.MostEnded"/>.</summary>
    public ImmutableList<EndedWorker> Ended { get; init; } = [];

    /// <summary>Whether any worker ever served. From then on the supervisor never gives up.</summary>
    public bool EverServed { get; init; }

    /// <summary>Whether any worker ever said hello.</summary>
    public bool EverHello { get; init; }

    /// <summary>Monotonic nanoseconds of the last step, to notice that the supervisor itself was stopped.</summary>
    public long LastStepAt { get; init; }

    /// <summary>State of the random numbers behind the jitter; a seed in, so that a step stays pure.</summary>
    public uint Random { get; init; } = 1;

    /// <summary>The generation that is being prepared (settings, the command before the start), or null.</summary>
    public long? Preparing { get; init; }

    /// <summary>The reload that is under way, or null.</summary>
    public Reload? Reload { get; init; }

    /// <summary>The number of the last reload that was asked for. All that are asked for during one are one more.</summary>
    public long ReloadsAsked { get; init; }

    /// <summary>The number of the last reload that was begun.</summary>
    public long ReloadsBegun { get; init; }

    /// <summary>How the last reload ended; null before the first.</summary>
    public ReloadOutcome? LastReload { get; init; }

    /// <summary>The one replacement that is under way before its predecessor leaves, or null.</summary>
    public Surge? Surge { get; init; }

    /// <summary>How often each verdict was passed.</summary>
    public VerdictCounts Verdicts { get; init; }

    /// <summary>Whether the lead is ours to give: not while a worker of the supervisor before this one may lead.</summary>
    public bool HasLead { get; init; } = true;

    /// <summary>Who leads; null while nobody does.</summary>
    public Leader? Leader { get; init; }

    /// <summary>The stop that is under way, or null.</summary>
    public StopKind? Stop { get; init; }

    /// <summary>With which code to leave once every worker is gone.</summary>
    public int ExitCode { get; init; }
}

/// <summary>State of the whole, as the status document names it.</summary>
internal enum SupervisorPhase
{
    Starting,
    Running,
    Degraded,
    Reloading,
    Stopping,
    Stopped,
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
    /// Whether it undoes a reload that failed on its way: its generation is the one in force, and goes where the failed
    /// one went before.
    /// </summary>
    public bool IsRollback { get; init; }
}

/// <summary>How a reload ended.</summary>
/// <param name="Number">Which one.</param>
/// <param name="Generation">The generation that it was to bring.</param>
/// <param name="Failure">What it failed of; null when it succeeded.</param>
internal sealed record ReloadOutcome(long Number, long Generation, Notice? Failure);

/// <summary>A replacement before the loss: one worker more than wanted, for a while.</summary>
/// <param name="Candidate">The index of the one that comes; null when it serves, and its predecessor is on the way out.</param>
/// <param name="Victim">The index of the one that goes; null while that is not decided.</param>
/// <param name="Reason">Why it goes.</param>
internal sealed record Surge(int? Candidate, int? Victim, ExitReason Reason);
