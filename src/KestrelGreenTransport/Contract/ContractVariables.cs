namespace KestrelGreenTransport.Contract;

/// <summary>
/// The names of the environment variables that make a process a worker. They are a public contract
/// (docs/worker-contract.md): any supervisor, a shell script included, may set them.
/// </summary>
internal static class ContractVariables
{
    public const int Version = 1;

    /// <summary>The worker's index. Its presence makes the process a worker.</summary>
    public const string Worker = "GREEN_WORKER";

    /// <summary>The reload epoch, from 1.</summary>
    public const string Generation = "GREEN_GENERATION";

    /// <summary>Inherited listeners: <c>3=tcp://0.0.0.0:8080;4=unix:/run/app.sock</c>.</summary>
    public const string Listen = "GREEN_LISTEN";

    /// <summary>The descriptor of the lifeline, a SOCK_SEQPACKET Unix socket.</summary>
    public const string ControlFd = "GREEN_CONTROL_FD";

    /// <summary>The path of this worker's heartbeat file.</summary>
    public const string HeartbeatFile = "GREEN_HEARTBEAT_FILE";

    /// <summary>How often to beat: a duration such as <c>1s</c> or <c>250ms</c>.</summary>
    public const string HeartbeatInterval = "GREEN_HEARTBEAT_INTERVAL";

    /// <summary>The path of the board that all workers of one supervisor share.</summary>
    public const string BoardFile = "GREEN_BOARD_FILE";

    /// <summary><c>1</c>: the supervisor binds what the worker asks for over the lifeline.</summary>
    public const string Broker = "GREEN_BROKER";

    /// <summary>Whether to accept from the start: <c>open</c>, or <c>closed</c> until the supervisor says so.</summary>
    public const string Gate = "GREEN_GATE";

    /// <summary>The value of <see cref="Gate"/> for a worker that waits for its supervisor's word.</summary>
    public const string Closed = "closed";

    /// <summary>The value of <see cref="Gate"/> for a worker that accepts at once; the default.</summary>
    public const string Open = "open";

    /// <summary>How old a request may become before it is reported as slow: a duration. Absent: no request is.</summary>
    public const string RequestTimeout = "GREEN_REQUEST_TIMEOUT";

    /// <summary>The descriptor of a pipe for the access log, where that goes to standard output.</summary>
    public const string AccessLogFd = "GREEN_ACCESS_LOG_FD";

    /// <summary>Record which GET routes clients request: <c>?</c> and the names of the query's parameters whose values may be recorded, <c>?page&amp;sort</c>.</summary>
    public const string RecordRoutes = "GREEN_RECORD_ROUTES";

    /// <summary>systemd's socket activation: how many descriptors, from 3 on.</summary>
    public const string ListenFds = "LISTEN_FDS";

    /// <summary>systemd's socket activation: for which process.</summary>
    public const string ListenPid = "LISTEN_PID";

    /// <summary>systemd's socket activation: the descriptors' names, separated by colons.</summary>
    public const string ListenFdNames = "LISTEN_FDNAMES";

    /// <summary>All names that a worker removes from its environment once it has read them.</summary>
    public static readonly string[] All =
        [Worker, Generation, Listen, ControlFd, HeartbeatFile, HeartbeatInterval, BoardFile, Broker, Gate, RequestTimeout, AccessLogFd, RecordRoutes, ListenFds, ListenPid, ListenFdNames];

    /// <summary>Reads a variable that is meant for this process alone, and removes it, so that no child sees it; null if it is not set, or empty.</summary>
    public static string? Take(string name)
    {
        var value = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, null);
        return string.IsNullOrEmpty(value) ? null : value;
    }
}
