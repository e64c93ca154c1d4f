using static KestrelGreenTransport.Settings.TransportSettingKinds;

namespace KestrelGreenTransport.Settings;

/// <summary>Every setting of the transport that text can set, in the order of the documentation.</summary>
internal static class TransportSettings
{
    public static readonly IReadOnlyList<TransportSetting> All =
    [
        Number(
            nameof(GreenTransportOptions.WorkerConnections), "from 1 to 1000000", "1000",
            "The most connections that each listener of a worker holds; further clients wait.",
            static (options, value) => options.WorkerConnections = value, "gunicorn: worker_connections"),
        Number(
            nameof(GreenTransportOptions.Backlog), "from 1 to 1000000", "2048",
            "How many connections the kernel may queue, where the process binds the listener itself.",
            static (options, value) => options.Backlog = value, "gunicorn: backlog"),
        NumberOrAuto(
            nameof(GreenTransportOptions.AcceptBatch), "from 1 to 10000, or auto", "auto: 1 on shared listeners, else 100",
            "How many connections are accepted in a row before other work gets its turn.",
            static (options, value) => options.AcceptBatch = value, "gevent: max_accept"),
        Switch(
            nameof(GreenTransportOptions.BalancedAccept), "true",
            "Whether a worker that holds its share of the connections leaves the next one to its siblings.",
            static (options, value) => options.BalancedAccept = value),
        Time(
            nameof(GreenTransportOptions.SlowStart), "from 0s, which is off, to 1h", "10s",
            "The longest time for which a new worker, while it is slower than its siblings, takes fewer new connections than they do.",
            static (options, value) => options.SlowStart = value, "HAProxy: slowstart"),
        Switch(
            nameof(GreenTransportOptions.IdleReclaim), "true",
            "Whether idle connections are closed to make room for waiting clients while all slots are taken.",
            static (options, value) => options.IdleReclaim = value),
        Time(
            nameof(GreenTransportOptions.AcceptMinDelay), "from 1ms to 1m", "10ms",
            "The pause after a first failed accept; it doubles with each further failure.",
            static (options, value) => options.AcceptMinDelay = value, "gevent: min_delay"),
        Time(
            nameof(GreenTransportOptions.AcceptMaxDelay), "from AcceptMinDelay to 1m", "1s",
            "The longest pause between two failed accepts.",
            static (options, value) => options.AcceptMaxDelay = value, "gevent: max_delay"),
        Limit(
            nameof(GreenTransportOptions.MaxReadBufferSize), "1MB",
            "How many received bytes of a connection may wait for the app.",
            static (options, value) => options.MaxReadBufferSize = value),
        Limit(
            nameof(GreenTransportOptions.MaxWriteBufferSize), "64KB",
            "How many bytes of a connection may wait to be sent.",
            static (options, value) => options.MaxWriteBufferSize = value),
        Switch(
            nameof(GreenTransportOptions.NoDelay), "true",
            "Whether small writes are sent at once (TCP_NODELAY).",
            static (options, value) => options.NoDelay = value),
        TimeOrOff(
            nameof(GreenTransportOptions.DeferAccept), "from 1s to 1h, or off", "off",
            "How long the kernel holds back a new TCP connection until the client has sent something, where the process binds the listener itself.",
            static (options, value) => options.DeferAccept = value, "nginx: listen deferred"),
        Switch(
            nameof(GreenTransportOptions.ReusePort), "false",
            "Whether other processes of the same user may bind the same address too (SO_REUSEPORT).",
            static (options, value) => options.ReusePort = value, "gunicorn: reuse_port"),
        Choice<GreenTransportProxyProtocol>(
            nameof(GreenTransportOptions.ProxyProtocol), "Off",
            "Which PROXY protocol header each connection begins with; the client's address is taken from it.",
            static (options, value) => options.ProxyProtocol = value, "nginx: listen proxy_protocol, HAProxy: accept-proxy"),
        Networks(
            nameof(GreenTransportOptions.ProxyProtocolTrusted), "127.0.0.0/8, ::1",
            "The proxies whose PROXY headers are trusted; connections from other addresses are reset.",
            static options => options.ProxyProtocolTrusted, "nginx: set_real_ip_from"),
        Switch(
            nameof(GreenTransportOptions.UpgradedConnectionsHoldSlot), "true",
            "Whether a connection keeps its slot when it becomes a WebSocket.",
            static (options, value) => options.UpgradedConnectionsHoldSlot = value),
        Time(
            nameof(GreenTransportOptions.KeepAlive), "from 1s to 1d", "Kestrel's, which is 130s",
            "How long a connection may be idle between two requests.",
            static (options, value) => options.KeepAlive = value, "gunicorn: keepalive"),
        new(nameof(GreenTransportOptions.UnixFileMode), "access rights in octal such as 0660", static (options, text) =>
        {
            if (text.Length is 0 or > 4 || !text.All(static digit => digit is >= '0' and <= '7'))
            {
                return false;
            }

            options.UnixFileMode = (UnixFileMode)Convert.ToInt32(text, 8);
            return true;
        })
        {
            ValueName = "MODE",
            Range = "from 0 to 0777, in octal",
            Default = "what the umask leaves",
            Help = "The access rights of Unix sockets that the process binds.",
            Counterpart = "gunicorn: umask",
        },
        Choice<GreenTransportBackend>(
            nameof(GreenTransportOptions.Backend), "Auto: Epoll on Linux, else Sockets",
            "What moves the bytes: .NET's sockets, or the transport's own event loops on epoll.",
            static (options, value) => options.Backend = value),
        Choice<GreenTransportScheduling>(
            nameof(GreenTransportOptions.Scheduling), "Adaptive",
            "Where the app runs with Epoll: on the event loop, which a spare thread takes over when a handler blocks; on the event loop, unguarded; or on the thread pool.",
            static (options, value) => options.Scheduling = value),
        NumberOrAuto(
            nameof(GreenTransportOptions.EventLoops), "from 1 to 1024, or auto", "auto: 1 in a worker, else one for each core",
            "How many event loops Epoll has.",
            static (options, value) => options.EventLoops = value),
        Switch(
            nameof(GreenTransportOptions.PinEventLoops), "false",
            "Whether each event loop is pinned to one processor, taking the processors in turn.",
            static (options, value) => options.PinEventLoops = value, "nginx: worker_cpu_affinity"),
        Time(
            nameof(GreenTransportOptions.BlockingThreshold), "from 0.1ms to 1s", "1ms",
            "How long a handler may block its event loop before another thread takes the loop over, once handlers have been seen to block.",
            static (options, value) => options.BlockingThreshold = value),
        Time(
            nameof(GreenTransportOptions.SpinTime), "from 0s to 10ms", "0s",
            "How long an idle event loop polls for events before it sleeps, while events come that soon.",
            static (options, value) => options.SpinTime = value),
        Time(
            nameof(GreenTransportOptions.GracefulTimeout), "from 0s to 1d", "30s",
            "How long requests in flight may take to finish when the host stops.",
            static (options, value) => options.GracefulTimeout = value, "gunicorn: graceful_timeout"),
        new(nameof(GreenTransportOptions.AccessLog), "a file's path, - or off", static (options, text) =>
        {
            options.AccessLog = text.Equals(AccessLogPlace.Off, StringComparison.OrdinalIgnoreCase) ? null : text;
            return text.Length > 0;
        })
        {
            ValueName = "FILE",
            Range = "a file's path, - or off",
            Default = "off",
            Help = "Where a line is written for each completed request: a file, which USR1 reopens, or - for standard output.",
            Counterpart = "gunicorn: accesslog, nginx: access_log",
        },
        Choice<GreenAccessLogFormat>(
            nameof(GreenTransportOptions.AccessLogFormat), "Combined",
            "The format of the access log's lines.",
            static (options, value) => options.AccessLogFormat = value, "gunicorn: access_log_format, nginx: log_format"),
    ];
}
