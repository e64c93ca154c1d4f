using System.Net;
using System.Net.Sockets;

namespace KestrelGreenTransport.Settings;

/// <summary>Every setting of the transport that text can set, in the order of the documentation.</summary>
internal static class TransportSettings
{
    private const string OrUnlimited = ", one block of memory, or unlimited (null in code)";

    public static readonly IReadOnlyList<Setting<GreenTransportOptions>> All =
    [
        Value(
            nameof(GreenTransportOptions.WorkerConnections), ValueShape.Number, 1, 1_000_000, "1000",
            "The most connections that each listener of a worker holds; further clients wait.",
            ": it is the number of connections that each listener holds at most",
            static options => options.WorkerConnections, static (options, value) => options.WorkerConnections = value, "gunicorn: worker_connections"),
        Value(
            nameof(GreenTransportOptions.Backlog), ValueShape.Number, 1, 1_000_000, "2048",
            "How many connections the kernel may queue, where the process binds the listener itself.",
            ": it is the number of connections that the kernel may queue",
            static options => options.Backlog, static (options, value) => options.Backlog = value, "gunicorn: backlog"),
        Value(
            nameof(GreenTransportOptions.AcceptBatch), ValueShape.Number, 1, 10_000, "auto: 1 on shared listeners, else 100",
            "How many connections are accepted in a row before other work gets its turn.",
            ": leave it out for the automatic choice",
            static options => options.AcceptBatch, static (options, value) => options.AcceptBatch = value, "gevent: max_accept", none: "auto"),
        Switch(
            nameof(GreenTransportOptions.BalancedAccept), "true",
            "Whether a worker that holds its share of the connections leaves the next one to its siblings.",
            static options => options.BalancedAccept, static (options, value) => options.BalancedAccept = value),
        Value(
            nameof(GreenTransportOptions.SlowStart), ValueShape.Duration, 0, TimeSpan.TicksPerHour, "10s",
            "The longest time for which a new worker, while it is slower than its siblings, takes fewer new connections than they do.",
            ": a worker is hot long before that; 0s switches it off",
            static options => options.SlowStart, static (options, value) => options.SlowStart = value, "HAProxy: slowstart", range: "from 0s, which is off, to 1h"),
        Switch(
            nameof(GreenTransportOptions.IdleReclaim), "true",
            "Whether idle connections are closed to make room for waiting clients while all slots are taken.",
            static options => options.IdleReclaim, static (options, value) => options.IdleReclaim = value),
        Value(
            nameof(GreenTransportOptions.AcceptMinDelay), ValueShape.Duration, TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerMinute, "10ms",
            "The pause after a first failed accept; it doubles with each further failure.",
            ": without a pause, running out of descriptors would keep a core busy",
            static options => options.AcceptMinDelay, static (options, value) => options.AcceptMinDelay = value, "gevent: min_delay"),
        Value(
            nameof(GreenTransportOptions.AcceptMaxDelay), ValueShape.Duration, TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerMinute, "1s",
            "The longest pause between two failed accepts.",
            ": it is the longest that clients wait once descriptors are free again",
            static options => options.AcceptMaxDelay, static (options, value) => options.AcceptMaxDelay = value, "gevent: max_delay", range: "from AcceptMinDelay to 1m"),
        Value(
            nameof(GreenTransportOptions.MaxReadBufferSize), ValueShape.Size, 4096, long.MaxValue, "1MB",
            "How many received bytes of a connection may wait for the app.",
            OrUnlimited,
            static options => options.MaxReadBufferSize, static (options, value) => options.MaxReadBufferSize = value, none: "unlimited", range: "at least 4KB"),
        Value(
            nameof(GreenTransportOptions.MaxWriteBufferSize), ValueShape.Size, 4096, long.MaxValue, "64KB",
            "How many bytes of a connection may wait to be sent.",
            OrUnlimited,
            static options => options.MaxWriteBufferSize, static (options, value) => options.MaxWriteBufferSize = value, none: "unlimited", range: "at least 4KB"),
        Switch(
            nameof(GreenTransportOptions.NoDelay), "true",
            "Whether small writes are sent at once (TCP_NODELAY).",
            static options => options.NoDelay, static (options, value) => options.NoDelay = value),
        Value(
            nameof(GreenTransportOptions.DeferAccept), ValueShape.Duration, TimeSpan.TicksPerSecond, TimeSpan.TicksPerHour, "off",
            "How long the kernel holds back a new TCP connection until the client has sent something, where the process binds the listener itself.",
            ": the kernel counts it in seconds; leave it out to accept each connection at once",
            static options => options.DeferAccept, static (options, value) => options.DeferAccept = value, "nginx: listen deferred", none: "off"),
        Switch(
            nameof(GreenTransportOptions.ReusePort), "false",
            "Whether other processes of the same user may bind the same address too (SO_REUSEPORT).",
            static options => options.ReusePort, static (options, value) => options.ReusePort = value, "gunicorn: reuse_port"),
        Choice(
            nameof(GreenTransportOptions.ProxyProtocol), typeof(GreenTransportProxyProtocol), "Off",
            "Which PROXY protocol header each connection begins with; the client's address is taken from it.",
            static options => (int)options.ProxyProtocol, static (options, value) => options.ProxyProtocol = (GreenTransportProxyProtocol)(int)value, "nginx: listen proxy_protocol, HAProxy: accept-proxy"),
        new TextSetting<GreenTransportOptions>(
            nameof(GreenTransportOptions.ProxyProtocolTrusted), "addresses or networks, such as 192.0.2.7, 10.0.0.0/8",
            TakeTrusted, static options => [.. options.ProxyProtocolTrusted.Select(static network => network.ToString())])
        {
            ValueName = "NETWORK",
            Default = "127.0.0.0/8, ::1",
            Help = "The proxies whose PROXY headers are trusted; connections from other addresses are reset.",
            Counterpart = "nginx: set_real_ip_from",
            IsList = true,
        },
        Switch(
            nameof(GreenTransportOptions.UpgradedConnectionsHoldSlot), "true",
            "Whether a connection keeps its slot when it becomes a WebSocket.",
            static options => options.UpgradedConnectionsHoldSlot, static (options, value) => options.UpgradedConnectionsHoldSlot = value),
        Value(
            nameof(GreenTransportOptions.KeepAlive), ValueShape.Duration, TimeSpan.TicksPerSecond, TimeSpan.TicksPerDay, "Kestrel's, which is 130s",
            "How long a connection may be idle between two requests.",
            ": Kestrel checks its connections once a second; leave it out for Kestrel's own limit",
            static options => options.KeepAlive, static (options, value) => options.KeepAlive = value, "gunicorn: keepalive"),
        Value(
            nameof(GreenTransportOptions.UnixFileMode), ValueShape.Mode, 0, 0x1ff, "what the umask leaves",
            "The access rights of Unix sockets that the process binds.",
            "",
            static options => options.UnixFileMode, static (options, value) => options.UnixFileMode = value,
            "gunicorn: umask", range: "from 0 to 0777, in octal", rule: "from 0000 to 0777, such as 0660 for owner and group"),
        Choice(
            nameof(GreenTransportOptions.Backend), typeof(GreenTransportBackend), "Auto: Epoll on Linux, else Sockets",
            "What moves the bytes: .NET's sockets, or the transport's own event loops on epoll.",
            static options => (int)options.Backend, static (options, value) => options.Backend = (GreenTransportBackend)(int)value),
        Choice(
            nameof(GreenTransportOptions.Scheduling), typeof(GreenTransportScheduling), "Adaptive",
            "Where the app runs with Epoll: on the event loop, which a spare thread takes over when a handler blocks; on the event loop, unguarded; or on the thread pool.",
            static options => (int)options.Scheduling, static (options, value) => options.Scheduling = (GreenTransportScheduling)(int)value),
        Value(
            nameof(GreenTransportOptions.EventLoops), ValueShape.Number, 1, 1024, "auto: 1 in a worker, else one for each core",
            "How many event loops Epoll has.",
            ": leave it out for one on each core, or one in each worker",
            static options => options.EventLoops, static (options, value) => options.EventLoops = value, none: "auto"),
        Switch(
            nameof(GreenTransportOptions.PinEventLoops), "false",
            "Whether each event loop is pinned to one processor, taking the processors in turn.",
            static options => options.PinEventLoops, static (options, value) => options.PinEventLoops = value, "nginx: worker_cpu_affinity"),
        Value(
            nameof(GreenTransportOptions.BlockingThreshold), ValueShape.Duration, TimeSpan.TicksPerMillisecond / 10, TimeSpan.TicksPerSecond, "1ms",
            "How long a handler may block its event loop before another thread takes the loop over, once handlers have been seen to block.",
            ": the guard checks the event loops about that often",
            static options => options.BlockingThreshold, static (options, value) => options.BlockingThreshold = value),
        Value(
            nameof(GreenTransportOptions.SpinTime), ValueShape.Duration, 0, 10 * TimeSpan.TicksPerMillisecond, "0s",
            "How long an idle event loop polls for events before it sleeps, while events come that soon.",
            ": the loop keeps its core busy for that time, so a value longer than a wake-up gains nothing; 0s switches it off",
            static options => options.SpinTime, static (options, value) => options.SpinTime = value),
        Value(
            nameof(GreenTransportOptions.GracefulTimeout), ValueShape.Duration, 0, TimeSpan.TicksPerDay, "30s",
            "How long requests in flight may take to finish when the host stops.",
            ": it is how long requests in flight may take to finish at a stop",
            static options => options.GracefulTimeout, static (options, value) => options.GracefulTimeout = value, "gunicorn: graceful_timeout"),
        new TextSetting<GreenTransportOptions>(
            nameof(GreenTransportOptions.AccessLog), AccessLogPlace.Range, TakeAccessLog, static options => options.AccessLog is { } place ? [place] : [])
        {
            ValueName = "FILE",
            Default = "off",
            Help = "Where a line is written for each completed request: a file, which USR1 reopens, or - for standard output.",
            Counterpart = "gunicorn: accesslog, nginx: access_log",
        },
        Choice(
            nameof(GreenTransportOptions.AccessLogFormat), typeof(GreenAccessLogFormat), "Combined",
            "The format of the access log's lines.",
            static options => (int)options.AccessLogFormat, static (options, value) => options.AccessLogFormat = (GreenAccessLogFormat)(int)value, "gunicorn: access_log_format, nginx: log_format"),
    ];

    // A range is put into words only where it is shown: not while a worker boots.
    private static ValueSetting<GreenTransportOptions> Value(
        string name, ValueShape shape, long from, long to, string @default, string help, string remark,
        Func<GreenTransportOptions, OptionValue> get, Action<GreenTransportOptions, OptionValue> set,
        string? counterpart = null, string? none = null, string? range = null, string? rule = null)
    {
        var (valueName, form) = shape switch
        {
            ValueShape.Number => ("N", "a whole number"),
            ValueShape.Duration => ("DURATION", "a duration such as 30s, 250ms or 00:00:30"),
            ValueShape.Size => ("SIZE", "a size such as 1048576, 64KB or 1MB"),
            ValueShape.Mode => ("MODE", "access rights in octal such as 0660"),
            _ => ("true|false", "true or false"),
        };
        return new(name, range, get, set)
        {
            Shape = shape,
            From = from,
            To = to,
            None = none,
            ValueName = valueName,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            Form = form,
            Remark = remark,
            OwnRule = rule,
        };
    }

    private static ValueSetting<GreenTransportOptions> Switch(
        string name, string @default, string help,
        Func<GreenTransportOptions, OptionValue> get, Action<GreenTransportOptions, OptionValue> set, string? counterpart = null) =>
        Value(name, ValueShape.Flag, 0, 1, @default, help, "", get, set, counterpart, range: "true or false", rule: "true or false");

    private static ValueSetting<GreenTransportOptions> Choice(
        string name, Type choice, string @default, string help,
        Func<GreenTransportOptions, OptionValue> get, Action<GreenTransportOptions, OptionValue> set, string? counterpart = null)
    {
        var choices = Enum.GetNames(choice);
        var range = string.Join(", ", choices);
        return new(name, range, get, set)
        {
            Choices = choices,
            Numbers = (int[])Enum.GetValuesAsUnderlyingType(choice),
            ValueName = string.Join('|', choices),
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            OwnRule = $"one of {range}",
        };
    }

    private static string? TakeAccessLog(GreenTransportOptions options, string text)
    {
        if (text.Length == 0)
        {
            return $"must be {AccessLogPlace.Range}";
        }

        options.AccessLog = text.Equals(AccessLogPlace.Off, StringComparison.OrdinalIgnoreCase) ? null : text;
        return null;
    }

    private static string? TakeTrusted(GreenTransportOptions options, string text)
    {
        var networks = new List<IPNetwork>();
        foreach (var one in text.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (IPAddress.TryParse(one, out var address))
            {
                networks.Add(new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));
            }
            else if (IPNetwork.TryParse(one, out var network))
            {
                networks.Add(network);
            }
            else
            {
                networks.Clear();
                break;
            }
        }

        if (networks.Count == 0)
        {
            return "must be addresses or networks such as 192.0.2.7 or 10.0.0.0/8, separated by commas";
        }

        options.ProxyProtocolTrusted.Clear();
        networks.ForEach(options.ProxyProtocolTrusted.Add);
        return null;
    }
}
