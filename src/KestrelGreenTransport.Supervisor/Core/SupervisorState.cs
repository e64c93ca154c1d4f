using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Everything the arbiter knows. Immutable: a step makes a new one.</summary>
internal sealed record SupervisorState
{
    public required ArbiterSettings Settings { get; init; }

    public SupervisorPhase Phase { get; init; } = SupervisorPhase.Starting;

    public long Generation { get; init; } = 1;

    /// <summary>How many serving workers are wanted.</summary>
    public required int Target { get; init; }

    /// <summary>By index. Contains the living, and those that wait in backoff for their next process.</summary>
    public ImmutableSortedDictionary<int, WorkerHandle> Workers { get; init; } = ImmutableSortedDictionary<int, WorkerHandle>.Empty;

    /// <summary>Whether any worker ever served. From then on the supervisor never gives up.</summary>
    public bool EverServed { get; init; }

    /// <summary>Whether any worker ever said hello.</summary>
    public bool EverHello { get; init; }

    /// <summary>Monotonic nanoseconds of the last step, to notice that the supervisor itself was stopped.</summary>
    public long LastStepAt { get; init; }

    /// <summary>State of the random numbers behind the jitter; a seed in, so that a step stays pure.</summary>
    public uint Random { get; init; } = 1;

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
    Stopping,
    Stopped,
}

/// <summary>The supervisor's view of one worker (not the worker itself: that is another process).</summary>
internal sealed record WorkerHandle
{
    public required int Index { get; init; }

    public required long Generation { get; init; }

    public required WorkerPhase Phase { get; init; }

    /// <summary>Null while it waits in backoff, and between the decision to spawn and the spawn.</summary>
    public int? Pid { get; init; }

    /// <summary>Monotonic nanoseconds of the spawn.</summary>
    public long SpawnedAt { get; init; }

    /// <summary>Monotonic nanoseconds at which it began to serve, or null.</summary>
    public long? ServingSince { get; init; }

    /// <summary>Monotonic nanoseconds of the last full beat, or null before the first.</summary>
    public long? LastBeatAt { get; init; }

    /// <summary>No silence before this moment counts: the start of serving, or the end of the supervisor's own pause.</summary>
    public long WindowFrom { get; init; }

    /// <summary>When the present phase ends by force or by plan (boot timeout, end of grace, end of backoff), in monotonic nanoseconds.</summary>
    public long? Deadline { get; init; }

    /// <summary>Whether this process said hello.</summary>
    public bool SaidHello { get; init; }

    /// <summary>Why it is being ended, once that is decided; null for a death of its own.</summary>
    public ExitReason? Ending { get; init; }

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
    /// A staying seat counts towards the target, and its loss is made good. One that leaves (its end was decided: a
    /// verdict, a stop, a scale-down) does neither.
    /// </summary>
    public bool Stays => Ending is null;
}

/// <summary>Where a worker stands, as the status document names it.</summary>
internal enum WorkerPhase
{
    Booting,
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

/// <summary>The settings that the arbiter decides by. All durations are on the monotonic clock.</summary>
internal sealed record ArbiterSettings
{
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan BootTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan GracefulTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A worker may need this much longer than GracefulTimeout to leave before it is killed.</summary>
    public static TimeSpan GraceMargin => TimeSpan.FromSeconds(10);

    /// <summary>How long a quick stop waits before it kills.</summary>
    public static TimeSpan QuickTimeout => TimeSpan.FromSeconds(2);

    /// <summary>How long an aborted process may write its stacks.</summary>
    public static TimeSpan AbortTimeout => TimeSpan.FromSeconds(3);

    /// <summary>The longest time between two steps of a healthy supervisor.</summary>
    public static TimeSpan TickInterval => TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A gap this long between two steps means that the supervisor itself did not run. With a short Timeout a shorter
    /// gap is enough to make every beat look overdue; late ticks of a busy machine are no gap.
    /// </summary>
    public TimeSpan PauseThreshold
    {
        get
        {
            var harmful = Timeout / 2 < TimeSpan.FromSeconds(2) ? Timeout / 2 : TimeSpan.FromSeconds(2);
            return harmful > 3 * TickInterval ? harmful : 3 * TickInterval;
        }
    }

    /// <summary>A killed process that is not reaped by then (uninterruptible sleep) is killed again.</summary>
    public static TimeSpan KillAgainAfter => TimeSpan.FromSeconds(10);

    public static TimeSpan FirstBackoff => TimeSpan.FromMilliseconds(500);

    /// <summary>How much longer each back-off is than the one before.</summary>
    public static double BackoffGrowth => 1.5;

    public static TimeSpan LongestBackoff => TimeSpan.FromSeconds(30);

    /// <summary>A worker that served this long is healthy: its count of failures begins anew.</summary>
    public static TimeSpan HealthyAfter => TimeSpan.FromSeconds(30);

    /// <summary>How often each worker of the first generation may fail before the supervisor gives up.</summary>
    public static int BootAttempts => 3;

    public static int MaxWorkers => 1024;
}
