namespace KestrelGreenTransport.Supervisor;

/// <summary>
/// The supervisor's settings. They come, strongest first, from the command line, <c>GREEN_*</c> variables,
/// <c>green.json</c>, the app's configuration (section <c>GreenSupervisor</c>), and the lambda in code.
/// </summary>
public sealed partial class GreenSupervisorOptions
{
    /// <summary>The number of worker processes. From 1 to 1024. Defaults to the number of cores. (gunicorn: workers)</summary>
    public int Workers { get; set; } = Environment.ProcessorCount;

    /// <summary>
    /// The addresses to listen on: <c>host:port</c>, <c>:port</c>, <c>[::1]:port</c>, <c>unix:path</c>, <c>unix:@abstract</c>,
    /// <c>fd://3</c> or <c>systemd</c>. They override the app's endpoints. Defaults to the app's own endpoints, else
    /// <c>ASPNETCORE_URLS</c> or <c>HTTP_PORTS</c>, else <c>127.0.0.1:8000</c>. (gunicorn: bind)
    /// </summary>
    public IList<string> Bind { get; } = [];

    /// <summary>The maximum number of connections for each listener of each worker. From 1 to 1,000,000. Defaults to 1000. (gunicorn: worker_connections)</summary>
    public int WorkerConnections { get => Transport.WorkerConnections; set => Transport.WorkerConnections = value; }

    /// <summary>The maximum number of connections in the kernel's queue of a listener. From 1 to 1,000,000; capped at net.core.somaxconn. Defaults to 2048. (gunicorn: backlog)</summary>
    public int Backlog { get => Transport.Backlog; set => Transport.Backlog = value; }

    /// <summary>A worker that sends no heartbeat for this long is replaced. From 200ms to 1d, at least twice <see cref="HeartbeatInterval"/>. Defaults to 30 s. (gunicorn: timeout)</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a worker sends a heartbeat. From 50ms to 1h. Null, the default, means the smaller of 1 s and a quarter of <see cref="Timeout"/>.</summary>
    public TimeSpan? HeartbeatInterval { get; set; }

    /// <summary>How long a worker may take from its start until it is ready; after that it is replaced. From 1s to 1d. Defaults to 60 s. (puma: worker_boot_timeout)</summary>
    public TimeSpan BootTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a stopping worker waits for its requests in flight. From 0s to 1d. Defaults to 30 s. (gunicorn: graceful_timeout)</summary>
    public TimeSpan GracefulTimeout { get => Transport.GracefulTimeout; set => Transport.GracefulTimeout = value; }

    /// <summary>
    /// The number of extra workers that are started and warmed up but accept no clients; they take over within milliseconds
    /// when another one dies, hangs or is recycled. From 0 to 64. Defaults to 0.
    /// </summary>
    public int Standby { get; set; }

    /// <summary>
    /// The requests that each worker makes to itself, repeatedly and through the whole pipeline, before it takes its first client: paths,
    /// which begin with '/', files of requests (<c>@warmup.http</c>), and <c>recorded</c>, the routes that clients of earlier workers
    /// requested. Defaults to none.
    /// </summary>
    public IList<string> WarmUp { get; } = [];

    /// <summary>
    /// The longest time that a worker's warm-up may take; it ends as soon as the runtime compiles hardly anything. From 100ms to 10m.
    /// Defaults to 10 s.
    /// </summary>
    public TimeSpan WarmUpTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A worker that has served this many requests is replaced. From 0 to 2147483647; 0, the default, means never. (gunicorn: max_requests)</summary>
    public int MaxRequests { get; set; }

    /// <summary>
    /// Random extra, 0 to this many, added to <see cref="MaxRequests"/> for each worker, so that workers are not replaced together.
    /// From 0 to 2147483647. Defaults to 0. (gunicorn: max_requests_jitter)
    /// </summary>
    public int MaxRequestsJitter { get; set; }

    /// <summary>A worker whose resident memory exceeds this many bytes is replaced. At least 16 MiB. Null, the default, means never. (uWSGI: reload-on-rss)</summary>
    public long? MaxMemory { get; set; }

    /// <summary>A worker is replaced after this time. From 1s to 365d. Null, the default, means never. (granian: workers-lifetime)</summary>
    public TimeSpan? MaxLifetime { get; set; }

    /// <summary>
    /// A shell command to run once before the first worker starts and before each reload, such as a database migration.
    /// If it fails, so does the start or the reload. Null, the default, means none.
    /// </summary>
    public string? BeforeStart { get; set; }

    /// <summary>
    /// A request that takes longer is logged as slow, with its method, path and age. From 100ms to 1d. Null, the default, means
    /// that none is logged. Requests to open a WebSocket are exempt. (uWSGI: harakiri)
    /// </summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>What to do about a request that exceeds <see cref="RequestTimeout"/>. Defaults to logging it. (uWSGI: harakiri)</summary>
    public GreenRequestTimeoutAction RequestTimeoutAction { get; set; } = GreenRequestTimeoutAction.Log;

    /// <summary>
    /// The folder in which the stacks of a hung worker are saved, as text, before it is killed: the newest 20
    /// files, at most 2 GB. Null, the default, means that nothing is saved.
    /// </summary>
    public string? DumpOnStale { get; set; }

    /// <summary>What to save in <see cref="DumpOnStale"/> besides the stacks. Defaults to nothing. If <see cref="User"/> is set, the workers' runtime writes it to a subfolder of that user.</summary>
    public GreenDumpKind DumpKind { get; set; } = GreenDumpKind.Stacks;

    /// <summary>
    /// The supervisor's name, part of the paths of the control socket and of the heartbeat directory. Letters, digits, '-', '_'
    /// and '.', at most 64. Null, the default, means the app's name.
    /// </summary>
    public string? Name { get; set; }

    /// <summary>The path of the control socket. Null, the default, means <c>NAME.sock</c> in the run-time directory.</summary>
    public string? Control { get; set; }

    /// <summary>The permissions of the Unix sockets that the supervisor binds. Null, the default, means what the umask leaves. (gunicorn: umask)</summary>
    public UnixFileMode? UnixFileMode { get => Transport.UnixFileMode; set => Transport.UnixFileMode = value; }

    /// <summary>The format of the supervisor's own events and of the workers' lines. Defaults to <see cref="SupervisorLogFormat.Text"/>.</summary>
    public SupervisorLogFormat LogFormat { get; set; }

    /// <summary>
    /// The address of the admin endpoint: <c>127.0.0.1:9090</c> or <c>unix:path</c>. An address that other machines can
    /// reach needs <see cref="AdminAllowRemote"/> and <see cref="AdminToken"/>. Null, the default, means no admin endpoint.
    /// </summary>
    public string? Admin { get; set; }

    /// <summary>
    /// The token for the admin endpoint's actions, and on a remote address for everything except its health checks: 16 characters
    /// or more, or <c>@</c> and the path of a file that contains it. Null, the default, means that there are no actions.
    /// </summary>
    public string? AdminToken { get; set; }

    /// <summary>Whether <see cref="Admin"/> may be an address that other machines can reach. Defaults to false.</summary>
    public bool AdminAllowRemote { get; set; }

    /// <summary>
    /// For development: whether the app's project is rebuilt, and a reload begins, when its source changes. Only for an app that
    /// was named by its project (<c>green run --watch ./src/Shop</c>). Defaults to false. (gunicorn: reload)
    /// </summary>
    public bool Watch { get; set; }

    /// <summary>
    /// The user that the workers run as: a name or an id. The supervisor binds the sockets first and stays root.
    /// Null, the default, means the supervisor's own user. (gunicorn: user)
    /// </summary>
    public string? User { get; set; }

    /// <summary>The group that the workers run as: a name or an id. Null, the default, means the group of <see cref="User"/>. (gunicorn: group)</summary>
    public string? Group { get; set; }

    /// <summary>The umask of the supervisor and its workers. Null, the default, leaves it unchanged. (gunicorn: umask)</summary>
    public UnixFileMode? Umask { get; set; }

    /// <summary>The workers' current directory. Null, the default, means the supervisor's, or the folder of the project that it built. (gunicorn: chdir)</summary>
    public string? Chdir { get; set; }

    /// <summary>Environment variables for the workers, as <c>NAME=VALUE</c>. Defaults to none. (gunicorn: raw_env)</summary>
    public IList<string> Env { get; } = [];

    /// <summary>
    /// The number of processors that each worker is pinned to, in turn: from 1 to 1024, or <c>auto</c> for an even share.
    /// Null, the default, means no pinning. (uWSGI: cpu-affinity)
    /// </summary>
    public string? CpuAffinity { get; set; }

    /// <summary>A file for the supervisor's pid, locked while the supervisor runs. Null, the default, means none. (gunicorn: pidfile)</summary>
    public string? PidFile { get; set; }

    /// <summary>Where the supervisor and its workers write to; SIGUSR1 reopens it. Null, the default, means standard output and standard error. (gunicorn: errorlog)</summary>
    public string? LogFile { get; set; }

    /// <summary>The settings of the workers' transport, as far as this supervisor knows them: it binds the listeners accordingly.</summary>
    internal GreenTransportOptions Transport { get; } = new();

    /// <summary>Those of them that the supervisor only passes on, as they were written, by name.</summary>
    internal Dictionary<string, string> PassedOn { get; } = [];

    internal TimeSpan EffectiveHeartbeatInterval =>
        HeartbeatInterval ?? TimeSpan.FromTicks(Math.Min(TimeSpan.TicksPerSecond, Timeout.Ticks / 4));
}
