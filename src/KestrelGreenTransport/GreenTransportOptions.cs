using System.Net;

namespace KestrelGreenTransport;

/// <summary>
/// The transport's settings. A <c>GREEN_*</c> variable such as <c>GREEN_WORKER_CONNECTIONS</c> overrides the configuration
/// section <c>GreenTransport</c>, which overrides the lambda in code. In variables and configuration a duration is written as
/// <c>30s</c>, <c>250ms</c> or <c>00:00:30</c>. The settings are validated when the host starts.
/// </summary>
public sealed class GreenTransportOptions
{
    /// <summary>The section that these options are bound from.</summary>
    public const string SectionName = "GreenTransport";

    internal static readonly TimeSpan DefaultGracefulTimeout = TimeSpan.FromSeconds(30);

    private TimeSpan? _gracefulTimeout;

    /// <summary>
    /// The most connections that each listener holds. At this number the process stops accepting: clients wait in the kernel's
    /// queue, or a sibling takes them. From 1 to 1,000,000. Defaults to 1000.
    /// (gunicorn: worker_connections; gevent: StreamServer's spawn=Pool(n))
    /// </summary>
    public int WorkerConnections { get; set; } = 1000;

    /// <summary>
    /// How many connections the kernel may queue for a listener that this process binds. From 1 to 1,000,000; the kernel
    /// caps it at net.core.somaxconn. Defaults to 2048. (gunicorn: backlog)
    /// </summary>
    public int Backlog { get; set; } = 2048;

    /// <summary>
    /// How many connections are accepted in a row before other work gets its turn. From 1 to 10,000. Null, the default,
    /// means 1 where other processes share the listener, so that they get their share, else 100. (gevent: BaseServer.max_accept)
    /// </summary>
    public int? AcceptBatch { get; set; }

    /// <summary>
    /// Whether a process that holds one connection more than the mean of all that accept on the same sockets leaves the next one
    /// to the others. It delays no client by more than 10 ms. Without a supervisor it has no effect. Defaults to true.
    /// </summary>
    public bool BalancedAccept { get; set; } = true;

    /// <summary>
    /// The longest time for which a new worker takes fewer new connections than its siblings while its requests cost more processor time
    /// than theirs, because it still has code to compile. From 0 s, which switches it off, to 1 hour. It needs
    /// <see cref="BalancedAccept"/> and a supervisor. Defaults to 10 s.
    /// </summary>
    public TimeSpan SlowStart { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether idle connections are closed, the longest idle first, while every slot of a listener is taken and clients wait.
    /// A connection that was used within the last half second is left alone. So is one that has not carried a request yet, for
    /// 10 s or Kestrel's <c>Limits.KeepAliveTimeout</c>, whichever is less. Defaults to true.
    /// </summary>
    public bool IdleReclaim { get; set; } = true;

    /// <summary>
    /// How long accepting pauses after a first failure, such as a lack of descriptors; the pause doubles with each further
    /// failure. From 1 ms to 1 minute. Defaults to 10 ms. (gevent: BaseServer.min_delay)
    /// </summary>
    public TimeSpan AcceptMinDelay { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// The longest pause between two failed accepts. From <see cref="AcceptMinDelay"/> to 1 minute. Defaults to 1 s.
    /// (gevent: BaseServer.max_delay)
    /// </summary>
    public TimeSpan AcceptMaxDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How many received bytes of a connection may wait for the app before the transport stops reading. From 4096 on;
    /// null (<c>unlimited</c> in configuration) means no limit. Defaults to 1 MiB.
    /// </summary>
    public long? MaxReadBufferSize { get; set; } = 1024 * 1024;

    /// <summary>
    /// How many bytes of a connection may wait to be sent before the app's flush waits. From 4096 on; null
    /// (<c>unlimited</c> in configuration) means no limit. Defaults to 64 KiB.
    /// </summary>
    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>Whether small writes on TCP are sent at once instead of waiting for more (TCP_NODELAY). Defaults to true.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>
    /// How long the kernel holds back a new TCP connection until the client has sent something (TCP_DEFER_ACCEPT), so that a
    /// client that only connects wakes no process. For listeners that this process binds, on Linux. Rounded up to whole
    /// seconds, from 1 s to 1 hour; null, the default, means not at all. (nginx: listen deferred)
    /// </summary>
    public TimeSpan? DeferAccept { get; set; }

    /// <summary>
    /// Whether other processes of the same user that set it too may bind the same address (SO_REUSEPORT): the kernel then
    /// distributes clients among their listeners. Each listener has its own queue, and the clients in it are lost with their
    /// process. For TCP listeners that this process binds, on Linux only. Defaults to false. (gunicorn: reuse_port)
    /// </summary>
    public bool ReusePort { get; set; }

    /// <summary>
    /// Which PROXY protocol header each connection begins with; the client's address is taken from it. It applies to all
    /// endpoints. A connection that sends no valid header within 5 s, or does not come from
    /// <see cref="ProxyProtocolTrusted"/>, is reset. Defaults to <see cref="GreenTransportProxyProtocol.Off"/>.
    /// (nginx: listen proxy_protocol; HAProxy: accept-proxy)
    /// </summary>
    public GreenTransportProxyProtocol ProxyProtocol { get; set; } = GreenTransportProxyProtocol.Off;

    /// <summary>
    /// The networks of the proxies whose headers are trusted, with <see cref="ProxyProtocol"/>. Unix sockets are always
    /// trusted: their access rights decide who may connect. Defaults to this machine, 127.0.0.0/8 and ::1.
    /// (nginx: set_real_ip_from)
    /// </summary>
    public IList<IPNetwork> ProxyProtocolTrusted { get; } = [new(IPAddress.Parse("127.0.0.0"), 8), new(IPAddress.IPv6Loopback, 128)];

    /// <summary>
    /// Whether a connection keeps its slot when it is upgraded to a WebSocket or another protocol. If false, it gives the slot
    /// back at the upgrade, and <see cref="WorkerConnections"/> limits only the other connections. Where Kestrel's own
    /// <c>MaxConcurrentConnections</c> is set, slots are kept nevertheless. Defaults to true.
    /// </summary>
    public bool UpgradedConnectionsHoldSlot { get; set; } = true;

    /// <summary>
    /// How long a connection may be idle between two requests before Kestrel closes it. From 1 s to 1 day. Null, the
    /// default, leaves Kestrel's <c>Limits.KeepAliveTimeout</c> as it is, 130 s. (gunicorn: keepalive)
    /// </summary>
    public TimeSpan? KeepAlive { get; set; }

    /// <summary>
    /// The access rights of a Unix socket that this process binds, in octal in configuration (<c>0660</c>). Null, the
    /// default, means what the umask leaves.
    /// </summary>
    public UnixFileMode? UnixFileMode { get; set; }

    /// <summary>What moves the bytes. Defaults to <see cref="GreenTransportBackend.Auto"/>.</summary>
    public GreenTransportBackend Backend { get; set; } = GreenTransportBackend.Auto;

    /// <summary>
    /// Where the app runs: on the event loops' threads or on the thread pool. Only for the <see cref="GreenTransportBackend.Epoll"/>
    /// backend. Defaults to <see cref="GreenTransportScheduling.Adaptive"/>.
    /// </summary>
    public GreenTransportScheduling Scheduling { get; set; } = GreenTransportScheduling.Adaptive;

    /// <summary>
    /// How many event loops there are. From 1 to 1024. Null, the default, means 1 in a worker, whose supervisor starts one
    /// for each core, else one for each core that this process may use.
    /// </summary>
    public int? EventLoops { get; set; }

    /// <summary>
    /// Whether each event loop is pinned to a processor: the loops of a process, and of a supervisor's workers, are spread in
    /// turn over the processors that the process may use. For a machine with many cores and nothing else to do: where other
    /// programs want the processor too, a loop waits for it although another is free. Defaults to false. (nginx: worker_cpu_affinity)
    /// </summary>
    public bool PinEventLoops { get; set; }

    /// <summary>
    /// How long a handler may block its event loop before another thread takes the loop over, once handlers have been seen to
    /// block; the first one may take ten times as long. Only for <see cref="GreenTransportScheduling.Adaptive"/>. From
    /// 0.1 ms to 1 s. Defaults to 1 ms.
    /// </summary>
    public TimeSpan BlockingThreshold { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// How long an idle event loop polls the kernel for events before it sleeps; it polls only while events come that soon.
    /// This saves a single client the time to wake the loop, at the cost of CPU time that would have been idle: for a loop that
    /// has a core to itself. From 0 s, which means never, to 10 ms. Defaults to 0 s.
    /// </summary>
    public TimeSpan SpinTime { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// How long requests in flight may take to finish when the host stops. From 0 s to 1 day. If only
    /// <c>HostOptions.ShutdownTimeout</c> is set, it is used here too. Otherwise this defaults to 30 s, and a shutdown timeout
    /// that is not set, or is shorter, is raised to 5 s more than this. (gunicorn: graceful_timeout)
    /// </summary>
    public TimeSpan GracefulTimeout
    {
        get => _gracefulTimeout ?? DefaultGracefulTimeout;
        set => (_gracefulTimeout, IsGracefulTimeoutSet) = (value, true);
    }

    /// <summary>
    /// Where a line is written for each completed request: a file, which several processes may share and which SIGUSR1
    /// reopens, or <c>-</c> for standard output. Null, the default (<c>off</c> in configuration), means nowhere.
    /// (gunicorn: accesslog; nginx: access_log)
    /// </summary>
    public string? AccessLog { get; set; }

    /// <summary>The format of the lines of <see cref="AccessLog"/>. Defaults to <see cref="GreenAccessLogFormat.Combined"/>.</summary>
    public GreenAccessLogFormat AccessLogFormat { get; set; } = GreenAccessLogFormat.Combined;

    /// <summary>The source of each setting that was not set in code, by name: for error messages.</summary>
    internal Dictionary<string, string> Sources { get; } = [];

    /// <summary>Whether the app or an operator chose <see cref="GracefulTimeout"/>.</summary>
    internal bool IsGracefulTimeoutSet { get; private set; }

    /// <summary>Whether it is the host's shutdown timeout, which the app chose.</summary>
    internal bool FollowsHost { get; private set; }

    /// <summary>The value was passed on as a default.</summary>
    internal void TakeGracefulTimeoutForDefault() => IsGracefulTimeoutSet = false;

    internal void FollowHost(TimeSpan shutdownTimeout) => (_gracefulTimeout, FollowsHost) = (shutdownTimeout, true);

}
