using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Settings;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// All settings, once. Options, <c>GREEN_*</c> variables, files, checks, help and docs/configuration.md come from
/// this table, so they cannot disagree. A setting is listed only when it does something.
/// </summary>
internal static class SettingsCatalogue
{
    private const int MostWorkers = 1024;
    private const int MostConnections = 1_000_000;
    private const int MostStandby = 64;
    private const long LeastMemory = 16 << 20;

    public static readonly Setting Workers = OrAuto(Number(
        "Workers", ["-w", "--workers"], "N", 1, MostWorkers, "the number of cores",
        "Number of worker processes; auto: one for each core that the container may use.",
        "gunicorn: workers, puma: workers",
        static options => options.Workers, static (options, value) => options.Workers = value));

    public static readonly Setting Bind = new()
    {
        Name = "Bind",
        Options = ["-b", "--bind"],
        ValueName = "ADDRESS",
        Range = BindParser.Forms,
        Default = "the app's own endpoints, else `ASPNETCORE_URLS` or `HTTP_PORTS`, else `127.0.0.1:8000`",
        Help = "Address to listen on: host:port, :port, unix:path, fd://3 or systemd. May be repeated.",
        Counterpart = "gunicorn: bind, puma: bind",
        IsList = true,
        Check = BindParser.Check,
        Apply = static (options, values) => Fill(options.Bind, values),
        Read = static options => [.. options.Bind],
    };

    public static readonly Setting WorkerConnections = Number(
        "WorkerConnections", ["--worker-connections"], "N", 1, MostConnections, "1000",
        "Maximum number of connections for each listener of a worker; further clients wait.", "gunicorn: worker_connections",
        static options => options.WorkerConnections, static (options, value) => options.WorkerConnections = value) with
    { IsTransport = true };

    public static readonly Setting Backlog = Number(
        "Backlog", ["--backlog"], "N", 1, MostConnections, "2048",
        "Maximum number of connections in the kernel's queue; capped at net.core.somaxconn.", "gunicorn: backlog",
        static options => options.Backlog, static (options, value) => options.Backlog = value) with
    { IsTransport = true };

    public static readonly Setting Timeout = Time(
        "Timeout", ["--timeout"], TimeSpan.FromMilliseconds(200), TimeSpan.FromDays(1), "30s",
        "Replace a worker that sends no heartbeat for this long.", "gunicorn: timeout, puma: worker_timeout",
        static options => options.Timeout, static (options, value) => options.Timeout = value);

    public static readonly Setting HeartbeatInterval = Time(
        "HeartbeatInterval", ["--heartbeat-interval"], TimeSpan.FromMilliseconds(50), TimeSpan.FromHours(1), "1s, or a quarter of Timeout if that is less",
        "How often a worker sends a heartbeat.", "puma: worker_check_interval",
        static options => options.HeartbeatInterval, static (options, value) => options.HeartbeatInterval = value);

    public static readonly Setting BootTimeout = Time(
        "BootTimeout", ["--boot-timeout"], TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), "60s",
        "Replace a worker that is not ready within this time after its start.", "puma: worker_boot_timeout",
        static options => options.BootTimeout, static (options, value) => options.BootTimeout = value);

    public static readonly Setting GracefulTimeout = Time(
        "GracefulTimeout", ["--graceful-timeout"], TimeSpan.Zero, TimeSpan.FromDays(1), "30s",
        "How long a stopping worker waits for its requests in flight.", "gunicorn: graceful_timeout, puma: worker_shutdown_timeout",
        static options => options.GracefulTimeout, static (options, value) => options.GracefulTimeout = value) with
    { IsTransport = true };

    public static readonly Setting Standby = Number(
        "Standby", ["--standby"], "N", 0, MostStandby, "0",
        "Number of extra workers, started and warmed up, that take over when one dies, hangs or is recycled.", null,
        static options => options.Standby, static (options, value) => options.Standby = value);

    public static readonly Setting WarmUp = new()
    {
        Name = "WarmUp",
        Options = ["--warm-up"],
        ValueName = "PATH",
        Range = WarmUpSource.Range,
        Default = "off",
        Help = "Requests that each worker sends to itself, over and over, to warm up before it accepts clients. May be repeated.",
        IsList = true,
        // A query may hold any other character.
        Separators = [' ', '\n'],
        Check = WarmUpSource.Check,
        Apply = static (options, values) => Fill(options.WarmUp, values),
        Read = static options => [.. options.WarmUp],
    };

    public static readonly Setting WarmUpTime = Time(
        "WarmUpTime", ["--warm-up-time"], TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10), "10s",
        "Maximum duration of the warm-up.", counterpart: null,
        static options => options.WarmUpTime, static (options, value) => options.WarmUpTime = value);

    public static readonly Setting MaxRequests = Number(
        "MaxRequests", ["--max-requests"], "N", 0, int.MaxValue, "0, meaning never",
        "Replace a worker after it has served this many requests.", "gunicorn: max_requests",
        static options => options.MaxRequests, static (options, value) => options.MaxRequests = value);

    public static readonly Setting MaxRequestsJitter = Number(
        "MaxRequestsJitter", ["--max-requests-jitter"], "N", 0, int.MaxValue, "0",
        "Random extra, 0 to this many, added to MaxRequests for each worker.", "gunicorn: max_requests_jitter",
        static options => options.MaxRequestsJitter, static (options, value) => options.MaxRequestsJitter = value);

    public static readonly Setting MaxMemory = new()
    {
        Name = "MaxMemory",
        Options = ["--max-memory"],
        ValueName = "SIZE",
        Range = "a size of at least 16MB",
        Default = "off",
        Help = "Replace a worker whose resident memory exceeds this.",
        Counterpart = "uWSGI: reload-on-rss",
        Check = static value => ByteSize.TryParse(value, out var bytes) && bytes >= LeastMemory ? null : $"must be {MaxMemory!.Range}, such as 512MB",
        Apply = static (options, values) => options.MaxMemory = ByteSize.TryParse(values[^1], out var bytes) ? bytes : null,
        Read = static options => options.MaxMemory is { } bytes ? [bytes.ToString(CultureInfo.InvariantCulture)] : [],
    };

    public static readonly Setting MaxLifetime = Time(
        "MaxLifetime", ["--max-lifetime"], TimeSpan.FromSeconds(1), TimeSpan.FromDays(365), "off",
        "Replace a worker after this time.", "granian: workers-lifetime",
        static options => options.MaxLifetime, static (options, value) => options.MaxLifetime = value);

    public static readonly Setting BeforeStart = new()
    {
        Name = "BeforeStart",
        Options = ["--before-start"],
        ValueName = "COMMAND",
        Range = "a command for the shell",
        Default = "off",
        Help = "Shell command to run once before the first worker starts and before each reload (such as a migration). If it fails, so does the start or the reload.",
        Check = static value => string.IsNullOrWhiteSpace(value) ? $"must be {BeforeStart!.Range}" : null,
        Apply = static (options, values) => options.BeforeStart = values[^1],
        Read = static options => options.BeforeStart is { } command ? [command] : [],
    };

    public static readonly Setting RequestTimeout = Time(
        "RequestTimeout", ["--request-timeout"], TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1), "off",
        "Log a request that takes longer than this, with method, path and age.", "uWSGI: harakiri",
        static options => options.RequestTimeout, static (options, value) => options.RequestTimeout = value);

    public static readonly Setting RequestTimeoutAction = Choice(
        "RequestTimeoutAction", ["--request-timeout-action"], "ACTION", "log",
        "What to do about a request that exceeds RequestTimeout: log it, or kill its worker.", "uWSGI: harakiri",
        static options => options.RequestTimeoutAction, static (options, value) => options.RequestTimeoutAction = value);

    public static readonly Setting DumpOnStale = new()
    {
        Name = "DumpOnStale",
        Options = ["--dump-on-stale"],
        ValueName = "DIR",
        Range = "a folder",
        Default = "off",
        Help = "Save the stacks of a hung worker in this folder, as text; the newest 20 files, at most 2 GB.",
        Check = static value => value.Trim().Length > 0 ? null : $"must be {DumpOnStale!.Range}",
        Apply = static (options, values) => options.DumpOnStale = values[^1],
        Read = static options => options.DumpOnStale is { } folder ? [folder] : [],
    };

    public static readonly Setting DumpKind = Choice(
        "DumpKind", ["--dump-kind"], "KIND", "stacks",
        "What to save there besides the stacks: nothing, a mini dump, one with the heap, or all memory.", counterpart: null,
        static options => options.DumpKind, static (options, value) => options.DumpKind = value);

    public static readonly Setting Hook = new()
    {
        Name = "Hook",
        Options = ["--hook"],
        ValueName = "NAME=COMMAND",
        Range = $"NAME=COMMAND with one of these names: {HookNames.All}",
        Default = "none",
        Help = "Shell command to run on an event; the details are in GREEN_HOOK_* variables. May be repeated.",
        Counterpart = "gunicorn: server hooks",
        IsList = true,
        // A command may hold any other character.
        Separators = ['\n'],
        Check = static value => HookNames.Parse(value) is null ? $"must be {Hook!.Range}" : null,
        Apply = static (options, values) => Fill(options.Hook, values),
        Read = static options => [.. options.Hook],
    };

    public static readonly Setting Name = new()
    {
        Name = "Name",
        Options = ["--name"],
        ValueName = "NAME",
        Range = "1 to 64 letters, digits, '-', '_' or '.', not beginning with '.'",
        Default = "the app's name in lower case",
        Help = "The supervisor's name, by which `green status`, `stop` and `scale` find it.",
        Counterpart = "gunicorn: proc_name, puma: tag",
        Check = static value => IsName(value) ? null : $"must be {Name!.Range}",
        Apply = static (options, values) => options.Name = values[^1],
        Read = static options => options.Name is { } name ? [name] : [],
    };

    public static readonly Setting Control = new()
    {
        Name = "Control",
        Options = ["--control"],
        ValueName = "PATH",
        Range = $"a path of at most {ControlPaths.LongestPath} bytes",
        Default = "`NAME.sock` in the run-time directory",
        Help = "Path of the control socket.",
        Counterpart = "puma: control-url",
        Check = static value => ControlPaths.Fits(value) ? null : $"must be {Control!.Range}",
        Apply = static (options, values) => options.Control = values[^1],
        Read = static options => options.Control is { } path ? [path] : [],
    };

    public static readonly Setting UnixFileMode = new()
    {
        Name = "UnixFileMode",
        Options = ["--unix-file-mode"],
        ValueName = "MODE",
        Range = "an octal number from 0 to 777, such as 660",
        Default = "what the umask leaves",
        Help = "Permissions of the Unix sockets that are bound, in octal.",
        Counterpart = "gunicorn: umask, puma: umask= of a bind",
        IsTransport = true,
        Check = static value => TryParseOctal(value, out _) ? null : $"must be {UnixFileMode!.Range}",
        Apply = static (options, values) => options.UnixFileMode = TryParseOctal(values[^1], out var mode) ? mode : null,
        Read = static options => options.UnixFileMode is { } mode ? [Convert.ToString((int)mode, 8)] : [],
    };

    public static readonly Setting Watch = Flag(
        "Watch", ["--watch"],
        "For development: rebuild the project and reload when its source changes. The app must be given as a project.", "gunicorn: reload",
        static options => options.Watch, static (options, value) => options.Watch = value);

    public static readonly Setting LogFormat = Choice<SupervisorLogFormat>(
        "LogFormat", ["--log-format"], "FORMAT", "text",
        "Format of the supervisor's events and the workers' lines: text, or one JSON object per line.", counterpart: null,
        static options => options.LogFormat, static (options, value) => options.LogFormat = value);

    public static readonly Setting Admin = new()
    {
        Name = "Admin",
        Options = ["--admin"],
        ValueName = "ADDRESS",
        Range = "host:port, :port, [::1]:port or unix:path",
        Default = "off",
        Help = "Address of the admin endpoint: a live page, status, metrics and health checks.",
        Counterpart = "puma: control-url, uWSGI: stats",
        Check = static value => AdminPlan.CheckAddress(value) is null ? null : $"must be {Admin!.Range}",
        Apply = static (options, values) => options.Admin = values[^1],
        Read = static options => options.Admin is { } address ? [address] : [],
    };

    public static readonly Setting AdminToken = new()
    {
        Name = "AdminToken",
        Options = ["--admin-token"],
        ValueName = "TOKEN",
        Range = $"at least {AdminPlan.ShortestToken} characters, or @ and a file that contains that many",
        Default = "none: the admin endpoint is read-only",
        Help = "Token for the admin endpoint's actions. Put it in a file or GREEN_ADMIN_TOKEN: every user can read the command line.",
        Counterpart = "puma: control-token",
        IsSecret = true,
        Check = static value => value.StartsWith('@') || value.Length >= AdminPlan.ShortestToken ? null : $"must be {AdminToken!.Range}",
        Apply = static (options, values) => options.AdminToken = values[^1],
        Read = static options => options.AdminToken is { } token ? [token] : [],
    };

    public static readonly Setting AdminAllowRemote = Flag(
        "AdminAllowRemote", ["--admin-allow-remote"],
        "Allow an admin address that other machines can reach. It then requires the token.", counterpart: null,
        static options => options.AdminAllowRemote, static (options, value) => options.AdminAllowRemote = value);

    /// <summary>Those that the supervisor itself uses, each a property of its options. In the order of help and docs.</summary>
    public static readonly IReadOnlyList<Setting> Own =
        [
            Workers, Bind, WorkerConnections, Backlog, Timeout, HeartbeatInterval, BootTimeout, GracefulTimeout, Standby, WarmUp, WarmUpTime,
            MaxRequests, MaxRequestsJitter, MaxMemory, MaxLifetime, BeforeStart, RequestTimeout, RequestTimeoutAction,
            DumpOnStale, DumpKind, Hook, Name, Control, UnixFileMode, LogFormat, Admin, AdminToken, AdminAllowRemote, Watch, .. HostingSettings.All,
        ];

    /// <summary>The supervisor's own, then those that it only hands on to the workers' transport.</summary>
    public static readonly IReadOnlyList<Setting> All =
    [
        .. Own,
        .. TransportSettings.All.Where(static setting => Own.All(own => own.Name != setting.Name)).Select(HandedOn),
    ];

    /// <summary>The transport's, where the supervisor has a hand in it: it passes the pipe, and hands on the path.</summary>
    public static readonly Setting AccessLog = All.Single(static setting => setting.Name == nameof(GreenTransportOptions.AccessLog));

    /// <summary>The setting of this name, in whatever case; null when there is none.</summary>
    public static Setting? Find(string name) =>
        All.FirstOrDefault(setting => setting.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public static bool IsName(string text) =>
        text is { Length: >= 1 and <= 64 } and not ['.', ..]
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static Setting HandedOn(TransportSetting setting) => new()
    {
        Name = setting.Name,
        Options = [setting.Option],
        ValueName = setting.ValueName,
        Range = setting.Range,
        Default = setting.Default,
        Help = setting.Help,
        Counterpart = setting.Counterpart,
        IsList = setting.IsList,
        IsTransport = true,
        Check = setting.Check,
        Apply = (options, values) => options.Transport[setting.Name] = string.Join(',', values),
        Read = options => options.Transport.TryGetValue(setting.Name, out var text) ? [text] : [],
    };

    // ProcessorCount is bounded by the affinity mask and by the cgroup's quota.
    private static Setting OrAuto(Setting number) => number with
    {
        Range = $"{number.Range}, or auto",
        OrAuto = true,
        Check = value => IsAuto(value) ? null : number.Check(value),
        Apply = (target, values) => number.Apply(target, IsAuto(values[^1]) ? [Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)] : values),
    };

    private static bool IsAuto(string value) => value.Equals("auto", StringComparison.OrdinalIgnoreCase);

    private static Setting Number(
        string name, string[] options, string valueName, int from, int to, string @default, string help, string? counterpart,
        Func<GreenSupervisorOptions, int> get, Action<GreenSupervisorOptions, int> set)
    {
        var range = string.Create(CultureInfo.InvariantCulture, $"a whole number from {from} to {to}");
        return new Setting
        {
            Name = name,
            Options = options,
            ValueName = valueName,
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            Shape = ValueShape.Number,
            From = from,
            To = to,
            Check = value => TryParse(value, out var number) && number >= from && number <= to ? null : $"must be {range}",
            Apply = (target, values) => set(target, TryParse(values[^1], out var number) ? number : 0),
            Read = source => [get(source).ToString(CultureInfo.InvariantCulture)],
        };

        static bool TryParse(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static Setting Time(
        string name, string[] options, TimeSpan from, TimeSpan to, string @default, string help, string? counterpart,
        Func<GreenSupervisorOptions, TimeSpan?> get, Action<GreenSupervisorOptions, TimeSpan> set)
    {
        var range = $"a duration from {Duration.Format(from)} to {Duration.Format(to)}";
        return new Setting
        {
            Name = name,
            Options = options,
            ValueName = "DURATION",
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            Shape = ValueShape.Duration,
            Check = value => Duration.TryParse(value, out var duration) && duration >= from && duration <= to
                ? null
                : $"must be {range}, such as 30s or 1h30m",
            Apply = (target, values) => set(target, Duration.TryParse(values[^1], out var duration) ? duration : default),
            Read = source => get(source) is { } duration ? [Format(duration)] : [],
        };

        // Duration.Format is for what it can read back; a negative time from code is shown as .NET writes it.
        static string Format(TimeSpan duration) =>
            duration < TimeSpan.Zero ? duration.ToString("c", CultureInfo.InvariantCulture) : Duration.Format(duration);
    }

    private static Setting Choice<T>(
        string name, string[] options, string valueName, string @default, string help, string? counterpart,
        Func<GreenSupervisorOptions, T> get, Action<GreenSupervisorOptions, T> set)
        where T : struct, Enum
    {
        var choices = Enum.GetNames<T>().Select(static choice => choice.ToLowerInvariant()).ToArray();
        var range = choices.Length < 3 ? string.Join(" or ", choices) : $"{string.Join(", ", choices[..^1])} or {choices[^1]}";
        return new Setting
        {
            Name = name,
            Options = options,
            ValueName = valueName,
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            Choices = choices,
            // Enum.TryParse would take any number too.
            Check = value => choices.Contains(value, StringComparer.OrdinalIgnoreCase) ? null : $"must be {range}",
            Apply = (target, values) => set(target, Enum.Parse<T>(values[^1], ignoreCase: true)),
            Read = source => [get(source).ToString().ToLowerInvariant()],
        };
    }

    private static Setting Flag(
        string name, string[] options, string help, string? counterpart,
        Func<GreenSupervisorOptions, bool> get, Action<GreenSupervisorOptions, bool> set) => new()
        {
            Name = name,
            Options = options,
            ValueName = "",
            Range = "true or false",
            Default = "false",
            Help = help,
            Counterpart = counterpart,
            Shape = ValueShape.Flag,
            Check = static value => IsTrue(value) is null ? "must be true or false" : null,
            Apply = (target, values) => set(target, IsTrue(values[^1]) == true),
            Read = source => [get(source) ? "true" : "false"],
        };

    private static bool? IsTrue(string text) => text.ToLowerInvariant() switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => null,
    };

    /// <summary>Gives a setting that is a list its values, in place of those that it had.</summary>
    internal static void Fill(IList<string> list, IReadOnlyList<string> values)
    {
        list.Clear();
        foreach (var value in values)
        {
            list.Add(value);
        }
    }

    /// <summary>Reads access rights such as 660.</summary>
    public static bool TryParseOctal(string text, out UnixFileMode mode)
    {
        mode = default;
        var digits = text.StartsWith("0o", StringComparison.Ordinal) ? text[2..] : text;
        if (digits.Length is 0 or > 4 || digits.Any(static c => c is < '0' or > '7'))
        {
            return false;
        }

        var value = Convert.ToInt32(digits, 8);
        mode = (UnixFileMode)value;
        return value <= 0x1ff;
    }
}
