using System.Globalization;
using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>The settings for users, files and processors. Part of <see cref="SettingsCatalogue"/>.</summary>
internal static class HostingSettings
{
    private const int LongestPath = 4095;

    public static readonly Setting User = Text(
        "User", "--user", "USER", "a user name or id", "the user who starts the supervisor",
        "User that the workers run as. The supervisor stays root and binds the sockets first. Needs root.", "gunicorn: user",
        IsAccount, static options => options.User, static (options, value) => options.User = value);

    public static readonly Setting Group = Text(
        "Group", "--group", "GROUP", "a group name or id", "the group of User",
        "Group that the workers run as. Needs root.", "gunicorn: group",
        IsAccount, static options => options.Group, static (options, value) => options.Group = value);

    public static readonly Setting Umask = new()
    {
        Name = "Umask",
        Options = ["--umask"],
        ValueName = "MODE",
        Range = "an octal number from 0 to 777, such as 027",
        Default = "unchanged",
        Help = "Umask of the supervisor and its workers, in octal.",
        Counterpart = "gunicorn: umask",
        Check = static value => SettingsCatalogue.TryParseOctal(value, out _) ? null : $"must be {Umask!.Range}",
        Apply = static (options, values) => options.Umask = SettingsCatalogue.TryParseOctal(values[^1], out var mode) ? mode : null,
        Read = static options => options.Umask is { } mode ? [Convert.ToString((int)mode, 8)] : [],
    };

    public static readonly Setting Chdir = Text(
        "Chdir", "--chdir", "FOLDER", "a folder", "the current folder, or the project's",
        "The workers' current directory and content root.", "gunicorn: chdir, puma: directory",
        IsPath, static options => options.Chdir, static (options, value) => options.Chdir = value);

    public static readonly Setting Env = new()
    {
        Name = "Env",
        Options = ["--env"],
        ValueName = "NAME=VALUE",
        Range = "NAME=VALUE",
        Default = "none",
        Help = "Environment variable for the workers. May be repeated.",
        Counterpart = "gunicorn: raw_env",
        IsList = true,
        // A connection string often contains the usual separators.
        Separators = ['\n'],
        Check = static value => value.IndexOf('=', StringComparison.Ordinal) > 0 && !value.Contains('\0', StringComparison.Ordinal) ? null : $"must be {Env!.Range}",
        Apply = static (options, values) => SettingsCatalogue.Fill(options.Env, values),
        Read = static options => [.. options.Env],
    };

    public static readonly Setting CpuAffinity = Text(
        "CpuAffinity", "--cpu-affinity", "N", "a whole number from 1 to 1024, or auto", "off",
        "Number of processors that each worker is pinned to, in turn; auto divides them evenly.", "uWSGI: cpu-affinity, nginx: worker_cpu_affinity",
        static value => CpuShare.TryParse(value, out _), static options => options.CpuAffinity, static (options, value) => options.CpuAffinity = value);

    public static readonly Setting PidFile = Text(
        "PidFile", "--pid-file", "PATH", "a path", "none",
        "File for the supervisor's pid, locked while the supervisor runs.", "gunicorn: pidfile, puma: pidfile",
        IsPath, static options => options.PidFile, static (options, value) => options.PidFile = value);

    public static readonly Setting LogFile = Text(
        "LogFile", "--log-file", "PATH", "a path", "standard output and standard error",
        "File that the supervisor and its workers write to; USR1 reopens it after a rotation.", "gunicorn: errorlog, puma: stdout_redirect",
        IsPath, static options => options.LogFile, static (options, value) => options.LogFile = value);

    /// <summary>In the order of help and docs.</summary>
    public static readonly IReadOnlyList<Setting> All = [User, Group, Umask, Chdir, Env, CpuAffinity, PidFile, LogFile];

    private static bool IsAccount(string value) =>
        value.Length is >= 1 and <= 64 && value.All(static c => c is > ' ' and not ':' and not '/')
        && (!char.IsAsciiDigit(value[0]) || uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static bool IsPath(string value) => value.Length is >= 1 and <= LongestPath && !value.Contains('\0', StringComparison.Ordinal);

    private static Setting Text(
        string name, string option, string valueName, string range, string @default, string help, string counterpart, Func<string, bool> isRight,
        Func<GreenSupervisorOptions, string?> get, Action<GreenSupervisorOptions, string> set) => new()
        {
            Name = name,
            Options = [option],
            ValueName = valueName,
            Range = range,
            Default = @default,
            Help = help,
            Counterpart = counterpart,
            Check = value => isRight(value) ? null : $"must be {range}",
            Apply = (options, values) => set(options, values[^1]),
            Read = options => get(options) is { } value ? [value] : [],
        };
}
