namespace KestrelGreenTransport.Supervisor;

/// <summary>
/// The supervisor's settings. They come, strongest first, from the command line, <c>GREEN_*</c> variables,
/// <c>green.json</c>, the app's configuration (section <c>GreenSupervisor</c>), and the lambda in code.
/// </summary>
public sealed partial class GreenSupervisorOptions
{
    /// <summary>How many worker processes serve. From 1 to 1024. Defaults to the number of cores. (gunicorn: workers)</summary>
    public int Workers { get; set; } = Environment.ProcessorCount;

    /// <summary>
    /// Where to listen: <c>host:port</c>, <c>:port</c>, <c>[::1]:port</c>, <c>unix:path</c>, <c>unix:@abstract</c>,
    /// <c>fd://3</c> or <c>systemd</c>. It wins over what the app configured. Defaults to the app's own endpoints, else
    /// <c>ASPNETCORE_URLS</c> or <c>HTTP_PORTS</c>, else <c>127.0.0.1:8000</c>. (gunicorn: bind)
    /// </summary>
    public IList<string> Bind { get; } = [];

    /// <summary>How many connections each listener of each worker holds at most. From 1 to 1,000,000. Defaults to 1000. (gunicorn: worker_connections)</summary>
    public int WorkerConnections { get; set; } = 1000;

    /// <summary>How many connections the kernel may queue for a listener. From 1 to 1,000,000; the kernel caps it at net.core.somaxconn. Defaults to 2048. (gunicorn: backlog)</summary>
    public int Backlog { get; set; } = 2048;

    /// <summary>A worker without a full beat for this long is replaced. From 200ms to 1d, at least twice <see cref="HeartbeatInterval"/>. Defaults to 30 s. (gunicorn: timeout)</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a worker beats. From 50ms to 1h. Null, the default, means the smaller of 1 s and a quarter of <see cref="Timeout"/>.</summary>
    public TimeSpan? HeartbeatInterval { get; set; }

    /// <summary>How long a worker may take from its spawn to serving. From 1s to 1d. Defaults to 60 s. (puma: worker_boot_timeout)</summary>
    public TimeSpan BootTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long requests in flight may take to finish at a stop. From 0s to 1d. Defaults to 30 s. (gunicorn: graceful_timeout)</summary>
    public TimeSpan GracefulTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How many further workers are kept booted and warm behind a closed gate, to take over within milliseconds when another
    /// one dies, hangs or is recycled. From 0 to 64. Defaults to 0.
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

    /// <summary>A worker that has served so many requests is replaced. From 0 to 2147483647; 0, the default, means never. (gunicorn: max_requests)</summary>
    public int MaxRequests { get; set; }

    /// <summary>
    /// At most so many are added to <see cref="MaxRequests"/>, drawn for each worker, so that they do not come due together.
    /// From 0 to 2147483647. Defaults to 0. (gunicorn: max_requests_jitter)
    /// </summary>
    public int MaxRequestsJitter { get; set; }

    /// <summary>A worker with so many bytes of resident memory is replaced. At least 16 MiB. Null, the default, means never. (uWSGI: reload-on-rss)</summary>
    public long? MaxMemory { get; set; }

    /// <summary>A worker is replaced after so long. From 1s to 365d. Null, the default, means never. (granian: workers-lifetime)</summary>
    public TimeSpan? MaxLifetime { get; set; }

    /// <summary>
    /// A shell command that is run once before the first worker is started and before each reload, such as a database
    /// migration; its failure ends the start or the reload. Null, the default, means none.
    /// </summary>
    public string? BeforeStart { get; set; }

    /// <summary>
    /// A request that is older is logged as slow, with its method, path and age. From 100ms to 1d. Null, the default:
    /// none is. Requests that ask to become a WebSocket are left out. (uWSGI: harakiri)
    /// </summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>What a request older than <see cref="RequestTimeout"/> leads to. Defaults to a line in the log. (uWSGI: harakiri)</summary>
    public GreenRequestTimeoutAction RequestTimeoutAction { get; set; } = GreenRequestTimeoutAction.Log;

    /// <summary>
    /// The folder in which the stacks of a worker that hangs are kept, as text, before it is killed: the newest 20
    /// files, 2 GB at most. Null, the default: nothing is kept.
    /// </summary>
    public string? DumpOnStale { get; set; }

    /// <summary>What is kept in <see cref="DumpOnStale"/> besides the stacks. Defaults to nothing. Under another user (<see cref="User"/>) the workers' runtime writes it to a subfolder of theirs.</summary>
    public GreenDumpKind DumpKind { get; set; } = GreenDumpKind.Stacks;

    /// <summary>
    /// The instance's name: part of the control socket's and the heartbeat directory's path. Letters, digits, '-', '_'
    /// and '.', at most 64. Null, the default, means the app's name.
    /// </summary>
    public string? Name { get; set; }

    /// <summary>The control socket's path. Null, the default, means <c>NAME.sock</c> in the run-time directory.</summary>
    public string? Control { get; set; }

    /// <summary>The access rights of Unix sockets that the supervisor binds. Null, the default, means what the umask leaves. (gunicorn: umask)</summary>
    public UnixFileMode? UnixFileMode { get; set; }

    /// <summary>How the supervisor writes its own events and the workers' lines. Defaults to <see cref="SupervisorLogFormat.Text"/>.</summary>
    public SupervisorLogFormat LogFormat { get; set; }

    /// <summary>
    /// Where the admin endpoint listens: <c>127.0.0.1:9090</c> or <c>unix:path</c>. An address that other machines can
    /// reach needs <see cref="AdminAllowRemote"/> and <see cref="AdminToken"/>. Null, the default, means nowhere.
    /// </summary>
    public string? Admin { get; set; }

    /// <summary>
    /// What opens the admin endpoint's actions, and on a remote address everything but its health checks: 16 characters or
    /// more, or <c>@</c> and the path of a file that holds it. Null, the default, means that there are no actions.
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
    /// Which user the workers run as: a name or a number. Sockets are bound before, by the supervisor, which stays root.
    /// Null, the default, means the supervisor's own. (gunicorn: user)
    /// </summary>
    public string? User { get; set; }

    /// <summary>Which group the workers run as: a name or a number. Null, the default, means that of <see cref="User"/>. (gunicorn: group)</summary>
    public string? Group { get; set; }

    /// <summary>The umask of the supervisor and its workers. Null, the default, leaves it as it is. (gunicorn: umask)</summary>
    public UnixFileMode? Umask { get; set; }

    /// <summary>Where the workers start. Null, the default, means where the supervisor is, or the folder of the project that it built. (gunicorn: chdir)</summary>
    public string? Chdir { get; set; }

    /// <summary>Variables for the workers, as <c>NAME=VALUE</c>. Defaults to none. (gunicorn: raw_env)</summary>
    public IList<string> Env { get; } = [];

    /// <summary>
    /// How many processors each worker is tied to, taking turns: a number from 1 to 1024, or <c>auto</c> for an even share.
    /// Null, the default, ties none. (uWSGI: cpu-affinity)
    /// </summary>
    public string? CpuAffinity { get; set; }

    /// <summary>A file that holds the supervisor's pid, and is locked while it lives. Null, the default, means none. (gunicorn: pidfile)</summary>
    public string? PidFile { get; set; }

    /// <summary>Where the supervisor and its workers write to; SIGUSR1 reopens it. Null, the default, means standard output and standard error. (gunicorn: errorlog)</summary>
    public string? LogFile { get; set; }

    /// <summary>Settings of the workers' transport that the supervisor only hands on, as they were written, by name.</summary>
    internal Dictionary<string, string> Transport { get; } = [];

    internal TimeSpan EffectiveHeartbeatInterval =>
        HeartbeatInterval ?? TimeSpan.FromTicks(Math.Min(TimeSpan.TicksPerSecond, Timeout.Ticks / 4));
}
