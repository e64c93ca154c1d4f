namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>The supervisor's view of one worker (not the worker itself: that is another process).</summary>
internal sealed record WorkerHandle
{
    public required int Index { get; init; }

    public required long Generation { get; init; }

    public required WorkerPhase Phase { get; init; }

    /// <summary>What it is there for.</summary>
    public SeatKind Kind { get; init; }

    /// <summary>The settings of its generation: a worker is judged by those that it was started with.</summary>
    public required ArbiterSettings Settings { get; init; }

    /// <summary>Null while it waits in backoff, and between the decision to spawn and the spawn.</summary>
    public int? Pid { get; init; }

    /// <summary>Monotonic nanoseconds of the spawn.</summary>
    public long SpawnedAt { get; init; }

    /// <summary>Monotonic nanoseconds at which its warm-up began, or null.</summary>
    public long? WarmingSince { get; init; }

    /// <summary>Monotonic nanoseconds at which it was booted and warm, or null.</summary>
    public long? ReadySince { get; init; }

    /// <summary>Monotonic nanoseconds at which its gate was opened, or null.</summary>
    public long? ServingSince { get; init; }

    /// <summary>Whether a beat has said that it serves, since its gate was opened.</summary>
    public bool HasReportedServing { get; init; }

    /// <summary>Monotonic nanoseconds of the last full beat, or null before the first.</summary>
    public long? LastBeatAt { get; init; }

    /// <summary>No silence before this moment counts: the start of serving, or the end of the supervisor's own pause.</summary>
    public long WindowFrom { get; init; }

    /// <summary>When the present phase ends by force or by plan (boot timeout, end of grace, end of backoff), in monotonic nanoseconds.</summary>
    public long? Deadline { get; init; }

    /// <summary>Whether this process said hello.</summary>
    public bool SaidHello { get; init; }

    /// <summary>A socket of its own on which it was seen to listen before it said hello; null while there is none.</summary>
    public string? OwnEndpoint { get; init; }

    /// <summary>Monotonic nanoseconds since which it was seen to.</summary>
    public long OwnEndpointSince { get; init; }

    /// <summary>Whether that was reported.</summary>
    public bool IsOwnEndpointTold { get; init; }

    /// <summary>Requests after which it is to be replaced: MaxRequests and its share of the jitter; 0 for never.</summary>
    public long RequestsLimit { get; init; }

    /// <summary>Why it should be replaced, or null. It keeps serving until then.</summary>
    public ExitReason? Due { get; init; }

    /// <summary>Monotonic nanoseconds since which it is due.</summary>
    public long DueSince { get; init; }

    /// <summary>Why it is being ended, once that is decided; null for a death of its own.</summary>
    public ExitReason? Ending { get; init; }

    /// <summary>What a beat that becomes overdue would mean, by the last look at the board; null while it is not.</summary>
    public Verdict? LikelyVerdict { get; init; }

    /// <summary>What it is being ended for, if it hung.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>Whether its last message was that it ran out of memory.</summary>
    public bool SaidOutOfMemory { get; init; }

    /// <summary>Whether it has said that it is no longer the leader, because it is leaving.</summary>
    public bool HasResigned { get; init; }

    /// <summary>Failures in a row without <see cref="ArbiterSettings.HealthyAfter"/> of service between them: the exponent of the back-off.</summary>
    public int FailuresInARow { get; init; }

    /// <summary>How many processes stood here before. A replacement inherits the count and the last exit of the one it replaces.</summary>
    public int Restarts { get; init; }

    public LastExit? LastExit { get; init; }

    /// <summary>Whether a process of this seat took longer than BootTimeout.</summary>
    public bool BootTimedOut { get; init; }

    /// <summary>The index of the still dying process that this seat took over from: its exit becomes <see cref="LastExit"/> here.</summary>
    public int? Replaces { get; init; }

    /// <summary>
    /// A staying seat is wanted, and its loss is made good. One that leaves (its end was decided: a
    /// verdict, a stop, a scale-down) does neither.
    /// </summary>
    public bool IsStaying => Ending is null;
}

/// <summary>Where a worker stands, as the status document names it.</summary>
internal enum WorkerPhase
{
    Booting,

    /// <summary>Booted, and warming up behind a closed gate.</summary>
    Warming,

    /// <summary>Ready, behind a closed gate.</summary>
    Standby,

    Serving,

    /// <summary>Asked to leave; finishing.</summary>
    Draining,

    /// <summary>Its beat is overdue; it was sent SIGABRT for its stacks.</summary>
    Suspect,

    /// <summary>Sent SIGKILL; waiting for the reap.</summary>
    Killing,

    /// <summary>No process: the next one is spawned at the deadline.</summary>
    Backoff,
}

/// <summary>What a seat is there for.</summary>
internal enum SeatKind
{
    /// <summary>To serve: of this kind there are as many as wanted.</summary>
    Active,

    /// <summary>To stand by until one of the others is lost.</summary>
    Standby,

    /// <summary>To replace one of the others, once it has proved itself.</summary>
    Surge,
}
