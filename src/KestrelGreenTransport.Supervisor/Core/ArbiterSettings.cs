namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>The settings that the arbiter decides by. All durations are on the monotonic clock.</summary>
internal sealed record ArbiterSettings
{
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan BootTimeout { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan GracefulTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a worker is ended for a request that is older than RequestTimeout. It is only reported otherwise.</summary>
    public bool KillsHungRequests { get; init; }

    /// <summary>How long a hung process may be kept for its stacks or dump to be written; null: <see cref="AbortTimeout"/>.</summary>
    public TimeSpan? DumpTimeout { get; init; }

    /// <summary>How many workers stand by.</summary>
    public int Standby { get; init; }

    /// <summary>How a worker warms up before it serves; null if it does not.</summary>
    public WarmUpPlan? WarmUp { get; init; }

    /// <summary>After how many requests a worker is replaced; 0 for never.</summary>
    public long MaxRequests { get; init; }

    /// <summary>Up to this many more requests, drawn at random for each worker, so that workers do not come due together.</summary>
    public long MaxRequestsJitter { get; init; }

    /// <summary>With how much resident memory a worker is replaced, in bytes; 0 for never.</summary>
    public long MaxMemory { get; init; }

    /// <summary>After how long a worker is replaced; null for never.</summary>
    public TimeSpan? MaxLifetime { get; init; }

    /// <summary>Whether something has to be done before the first worker is started.</summary>
    public bool PreparesStart { get; init; }

    /// <summary>How long a replacement serves before the old worker is asked to leave.</summary>
    public static TimeSpan ProbationTime => TimeSpan.FromMilliseconds(500);

    /// <summary>A worker that listens by itself and has not said hello after this time is reported to the operator.</summary>
    public static readonly TimeSpan OwnEndpointToldAfter = TimeSpan.FromSeconds(3);

    /// <summary>A worker ends its warm-up in time by itself. The supervisor stops waiting for one that is this much too late.</summary>
    public static TimeSpan WarmUpMargin => TimeSpan.FromSeconds(5);

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

    /// <summary>A worker that has been serving this long is healthy: its count of failures starts over.</summary>
    public static TimeSpan HealthyAfter => TimeSpan.FromSeconds(30);

    /// <summary>How often each worker of the first generation may fail before the supervisor gives up.</summary>
    public static int BootAttempts => 3;

    public static int MaxWorkers => 1024;

    /// <summary>How many processes that are gone are remembered.</summary>
    public static int MostEnded => 100;
}
