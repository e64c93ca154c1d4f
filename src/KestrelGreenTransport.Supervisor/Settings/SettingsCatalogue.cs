global using Setting = KestrelGreenTransport.Settings.Setting<KestrelGreenTransport.Supervisor.GreenSupervisorOptions>;
using System.Globalization;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor.Privileges;
using static KestrelGreenTransport.Supervisor.Settings.SettingKinds;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// All settings, once. Options, <c>GREEN_*</c> variables, files, checks, help and docs/configuration.md come from
/// this table, so they cannot disagree. A setting is listed only when it does something.
/// </summary>
internal static class SettingsCatalogue
{
    private const int LongestPath = 4095;

    /// <summary>Those that the supervisor itself uses, each a property of its options. In the order of help and docs.</summary>
    public static readonly IReadOnlyList<Setting> Own =
    [
        Value(
            nameof(Workers), ValueShape.Number, 1, 1024, "the number of cores",
            "Number of worker processes; auto: one for each core that the container may use.", "gunicorn: workers, puma: workers",
            // ProcessorCount is bounded by the affinity mask and by the cgroup's quota.
            static options => options.Workers, static (options, value) => options.Workers = (int?)value ?? Environment.ProcessorCount, "-w", none: "auto"),
        List(
            nameof(Bind), "ADDRESS", BindParser.Forms, "the app's own endpoints, else `ASPNETCORE_URLS` or `HTTP_PORTS`, else `127.0.0.1:8000`",
            "Address to listen on: host:port, :port, unix:path, fd://3 or systemd. May be repeated.", "gunicorn: bind, puma: bind",
            BindParser.Check, static options => options.Bind, "-b"),
        Shared("WorkerConnections", "Maximum number of connections for each listener of a worker; further clients wait.", "gunicorn: worker_connections"),
        Shared("Backlog", "Maximum number of connections in the kernel's queue; capped at net.core.somaxconn.", "gunicorn: backlog"),
        Value(
            nameof(Timeout), ValueShape.Duration, 200 * TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerDay, "30s",
            "Replace a worker that sends no heartbeat for this long.", "gunicorn: timeout, puma: worker_timeout",
            static options => options.Timeout, static (options, value) => options.Timeout = value),
        Value(
            nameof(HeartbeatInterval), ValueShape.Duration, 50 * TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerHour, "1s, or a quarter of Timeout if that is less",
            "How often a worker sends a heartbeat.", "puma: worker_check_interval",
            static options => options.HeartbeatInterval, static (options, value) => options.HeartbeatInterval = value),
        Value(
            nameof(BootTimeout), ValueShape.Duration, TimeSpan.TicksPerSecond, TimeSpan.TicksPerDay, "60s",
            "Replace a worker that is not ready within this time after its start.", "puma: worker_boot_timeout",
            static options => options.BootTimeout, static (options, value) => options.BootTimeout = value),
        Shared(nameof(GracefulTimeout), "How long a stopping worker waits for its requests in flight.", "gunicorn: graceful_timeout, puma: worker_shutdown_timeout"),
        Value(
            "Standby", ValueShape.Number, 0, 64, "0",
            "Number of extra workers, started and warmed up, that take over when one dies, hangs or is recycled.", null,
            static options => options.Standby, static (options, value) => options.Standby = value),
        // A query may hold any character but a space.
        List(
            nameof(WarmUp), "PATH", WarmUpSource.Range, "off",
            "Requests that each worker sends to itself, over and over, to warm up before it accepts clients. May be repeated.", null,
            WarmUpSource.Check, static options => options.WarmUp, separators: " \n"),
        Value(
            "WarmUpTime", ValueShape.Duration, 100 * TimeSpan.TicksPerMillisecond, 10 * TimeSpan.TicksPerMinute, "10s",
            "Maximum duration of the warm-up.", null,
            static options => options.WarmUpTime, static (options, value) => options.WarmUpTime = value),
        Value(
            "MaxRequests", ValueShape.Number, 0, int.MaxValue, "0, meaning never",
            "Replace a worker after it has served this many requests.", "gunicorn: max_requests",
            static options => options.MaxRequests, static (options, value) => options.MaxRequests = value),
        Value(
            "MaxRequestsJitter", ValueShape.Number, 0, int.MaxValue, "0",
            "Random extra, 0 to this many, added to MaxRequests for each worker.", "gunicorn: max_requests_jitter",
            static options => options.MaxRequestsJitter, static (options, value) => options.MaxRequestsJitter = value),
        Value(
            "MaxMemory", ValueShape.Size, 16 << 20, long.MaxValue, "off",
            "Replace a worker whose resident memory exceeds this.", "uWSGI: reload-on-rss",
            static options => options.MaxMemory, static (options, value) => options.MaxMemory = value, range: "a size of at least 16MB", example: ", such as 512MB"),
        Value(
            "MaxLifetime", ValueShape.Duration, TimeSpan.TicksPerSecond, 365 * TimeSpan.TicksPerDay, "off",
            "Replace a worker after this time.", "granian: workers-lifetime",
            static options => options.MaxLifetime, static (options, value) => options.MaxLifetime = value),
        Text(
            "BeforeStart", "COMMAND", "a command for the shell", "off",
            "Shell command to run once before the first worker starts and before each reload (such as a migration). If it fails, so does the start or the reload.", null,
            IsNotBlank, static options => options.BeforeStart, static (options, text) => options.BeforeStart = text),
        Value(
            "RequestTimeout", ValueShape.Duration, 100 * TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerDay, "off",
            "Log a request that takes longer than this, with method, path and age.", "uWSGI: harakiri",
            static options => options.RequestTimeout, static (options, value) => options.RequestTimeout = value),
        Choice(
            "RequestTimeoutAction", typeof(GreenRequestTimeoutAction), "ACTION", "log",
            "What to do about a request that exceeds RequestTimeout: log it, or kill its worker.", "uWSGI: harakiri",
            static options => (int)options.RequestTimeoutAction, static (options, value) => options.RequestTimeoutAction = (GreenRequestTimeoutAction)(int)value),
        Text(
            "DumpOnStale", "DIR", "a folder", "off",
            "Save the stacks of a hung worker in this folder, as text; the newest 20 files, at most 2 GB.", null,
            IsNotBlank, static options => options.DumpOnStale, static (options, text) => options.DumpOnStale = text),
        Choice(
            "DumpKind", typeof(GreenDumpKind), "KIND", "stacks",
            "What to save there besides the stacks: nothing, a mini dump, one with the heap, or all memory.", null,
            static options => (int)options.DumpKind, static (options, value) => options.DumpKind = (GreenDumpKind)(int)value),
        // A command may hold any character but a new line.
        List(
            nameof(Hook), "NAME=COMMAND", $"NAME=COMMAND with one of these names: {HookNames.All}", "none",
            "Shell command to run on an event; the details are in GREEN_HOOK_* variables. May be repeated.", "gunicorn: server hooks",
            static text => HookNames.Parse(text) is null ? $"must be {Hook!.Range}" : null, static options => options.Hook, separators: "\n"),
        Text(
            nameof(Name), "NAME", "1 to 64 letters, digits, '-', '_' or '.', not beginning with '.'", "the app's name in lower case",
            "The supervisor's name, by which `green status`, `stop` and `scale` find it.", "gunicorn: proc_name, puma: tag",
            IsName, static options => options.Name, static (options, text) => options.Name = text),
        Text(
            nameof(Control), "PATH", $"a path of at most {ControlPaths.LongestPath} bytes", "`NAME.sock` in the run-time directory",
            "Path of the control socket.", "puma: control-url",
            ControlPaths.Fits, static options => options.Control, static (options, text) => options.Control = text),
        Shared(
            "UnixFileMode", "Permissions of the Unix sockets that are bound, in octal.", "gunicorn: umask, puma: umask= of a bind",
            "an octal number from 0 to 777, such as 660"),
        Choice(
            "LogFormat", typeof(SupervisorLogFormat), "FORMAT", "text",
            "Format of the supervisor's events and the workers' lines: text, or one JSON object per line.", null,
            static options => (int)options.LogFormat, static (options, value) => options.LogFormat = (SupervisorLogFormat)(int)value),
        Text(
            nameof(Admin), "ADDRESS", "host:port, :port, [::1]:port or unix:path", "off",
            "Address of the admin endpoint: a live page, status, metrics and health checks.", "puma: control-url, uWSGI: stats",
            AdminPlan.IsAddress, static options => options.Admin, static (options, text) => options.Admin = text),
        Text(
            nameof(AdminToken), "TOKEN", $"at least {AdminPlan.ShortestToken} characters, or @ and a file that contains that many", "none: the admin endpoint is read-only",
            "Token for the admin endpoint's actions. Put it in a file or GREEN_ADMIN_TOKEN: every user can read the command line.", "puma: control-token",
            static text => text.StartsWith('@') || text.Length >= AdminPlan.ShortestToken,
            static options => options.AdminToken, static (options, text) => options.AdminToken = text, isSecret: true),
        Switch(
            "AdminAllowRemote", "Allow an admin address that other machines can reach. It then requires the token.", null,
            static options => options.AdminAllowRemote, static (options, value) => options.AdminAllowRemote = value),
        Switch(
            "Watch", "For development: rebuild the project and reload when its source changes. The app must be given as a project.", "gunicorn: reload",
            static options => options.Watch, static (options, value) => options.Watch = value),
        Text(
            "User", "USER", "a user name or id", "the user who starts the supervisor",
            "User that the workers run as. The supervisor stays root and binds the sockets first. Needs root.", "gunicorn: user",
            IsAccount, static options => options.User, static (options, text) => options.User = text),
        Text(
            "Group", "GROUP", "a group name or id", "the group of User", "Group that the workers run as. Needs root.", "gunicorn: group",
            IsAccount, static options => options.Group, static (options, text) => options.Group = text),
        Value(
            "Umask", ValueShape.Mode, 0, 0x1ff, "unchanged", "Umask of the supervisor and its workers, in octal.", "gunicorn: umask",
            static options => options.Umask, static (options, value) => options.Umask = value, range: "an octal number from 0 to 777, such as 027"),
        Text(
            "Chdir", "FOLDER", "a folder", "the current folder, or the project's", "The workers' current directory and content root.", "gunicorn: chdir, puma: directory",
            IsPath, static options => options.Chdir, static (options, text) => options.Chdir = text),
        // A connection string often contains the usual separators.
        List(
            "Env", "NAME=VALUE", "NAME=VALUE", "none", "Environment variable for the workers. May be repeated.", "gunicorn: raw_env",
            static text => text.IndexOf('=', StringComparison.Ordinal) > 0 && !text.Contains('\0', StringComparison.Ordinal) ? null : "must be NAME=VALUE",
            static options => options.Env, separators: "\n"),
        Text(
            "CpuAffinity", "N", string.Create(CultureInfo.InvariantCulture, $"a whole number from 1 to {CpuShare.Most}, or auto"), "off",
            "Number of processors that each worker is pinned to, in turn; auto divides them evenly.", "uWSGI: cpu-affinity, nginx: worker_cpu_affinity",
            static text => CpuShare.TryParse(text, out _), static options => options.CpuAffinity, static (options, text) => options.CpuAffinity = text),
        Text(
            "PidFile", "PATH", "a path", "none", "File for the supervisor's pid, locked while the supervisor runs.", "gunicorn: pidfile, puma: pidfile",
            IsPath, static options => options.PidFile, static (options, text) => options.PidFile = text),
        Text(
            "LogFile", "PATH", "a path", "standard output and standard error",
            "File that the supervisor and its workers write to; USR1 reopens it after a rotation.", "gunicorn: errorlog, puma: stdout_redirect",
            IsPath, static options => options.LogFile, static (options, text) => options.LogFile = text),
    ];

    /// <summary>The supervisor's own, then those that it only passes on to the workers' transport.</summary>
    public static readonly IReadOnlyList<Setting> All =
    [
        .. Own,
        .. TransportSettings.All.Where(static setting => Own.All(own => own.Name != setting.Name)).Select(PassedOn),
    ];

    public static readonly Setting Workers = Named(nameof(Workers));
    public static readonly Setting Bind = Named(nameof(Bind));
    public static readonly Setting Timeout = Named(nameof(Timeout));
    public static readonly Setting HeartbeatInterval = Named(nameof(HeartbeatInterval));
    public static readonly Setting BootTimeout = Named(nameof(BootTimeout));
    public static readonly Setting GracefulTimeout = Named(nameof(GracefulTimeout));
    public static readonly Setting WarmUp = Named(nameof(WarmUp));
    public static readonly Setting Hook = Named(nameof(Hook));
    public static readonly Setting Name = Named(nameof(Name));
    public static readonly Setting Control = Named(nameof(Control));
    public static readonly Setting Admin = Named(nameof(Admin));
    public static readonly Setting AdminToken = Named(nameof(AdminToken));

    /// <summary>The transport's, where the supervisor has a hand in it: it passes the pipe, and the path.</summary>
    public static readonly Setting AccessLog = Named(nameof(AccessLog));

    /// <summary>The setting of this name, in whatever case; null when there is none.</summary>
    public static Setting? Find(string name) =>
        All.FirstOrDefault(setting => setting.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public static bool IsName(string text) =>
        text is { Length: >= 1 and <= 64 } and not ['.', ..]
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static Setting Named(string name) => Find(name)!;

    private static bool IsNotBlank(string text) => !string.IsNullOrWhiteSpace(text);

    private static bool IsAccount(string text) =>
        text.Length is >= 1 and <= 64 && text.All(static c => c is > ' ' and not ':' and not '/')
        && (!char.IsAsciiDigit(text[0]) || uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static bool IsPath(string text) => text.Length is >= 1 and <= LongestPath && !text.Contains('\0', StringComparison.Ordinal);
}
