using KestrelGreenTransport.Native;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor.Dumps;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Checks the files and folders named in settings: present, and usable by the process that will use them.</summary>
internal static class FilesCheck
{
    private const string Area = "files";

    /// <summary>The user that the workers would run as; null if this user. Errors are added to <paramref name="problems"/>.</summary>
    public static WorkerIdentity? IdentityOf(GreenSupervisorOptions options, ICollection<string> problems)
    {
        try
        {
            return WorkerIdentity.Of(options, Libc.geteuid(), Posix.getegid());
        }
        catch (StartupException wrong)
        {
            problems.Add(wrong.Message);
            return null;
        }
    }

    /// <param name="plan">The plan to check.</param>
    /// <param name="identity">The user that the workers run as, if not this user.</param>
    /// <param name="appsAccessLog">The access log in the app's own configuration; used if no setting of the supervisor names one.</param>
    /// <param name="workersFolder">The workers' current directory.</param>
    public static IEnumerable<Finding> Of(LaunchPlan plan, WorkerIdentity? identity, string? appsAccessLog, string workersFolder)
    {
        var ours = $"this user ({Environment.UserName})";
        var theirs = identity is null ? ours : $"the workers' user {identity}";
        if (plan.Options.LogFile is { } log)
        {
            yield return Appended("LogFile", log, ours, CheckedPaths.WhyNotWrite(log));
        }

        if (plan.Options.PidFile is { } pid)
        {
            yield return PidFile.HolderOf(pid) is { } holder
                ? Finding.Warning(Area, $"PidFile ('{pid}') is held by a running supervisor (pid {holder}): stop it first, or choose another file.")
                : Appended("PidFile", pid, ours, CheckedPaths.WhyNotWrite(pid));
        }

        if (plan.Options.DumpOnStale is { } dumps)
        {
            yield return new DumpFolder(dumps, plan.Name, identity).WhyNot() is { } open
                ? Finding.Problem(Area, $"the stacks of hung workers cannot be saved in {dumps} (DumpOnStale): {open}.")
                : CheckedPaths.Folder(Area, dumps, "the stacks of hung workers (DumpOnStale)", "Choose another folder.");
        }

        if (plan.Options.AdminToken is ['@', .. var token] && plan.Admin?.Token is not null)
        {
            yield return Finding.Ok(Area, $"{token}: contains a token (AdminToken)");
        }

        if ((plan.WorkerVariables.GetValueOrDefault(SettingsCatalogue.AccessLog.Variable) ?? appsAccessLog) is { Length: > 0 } access && AccessLogPlace.IsFile(access))
        {
            var path = Path.GetFullPath(access, workersFolder);
            yield return Appended("AccessLog", path, theirs, CheckedPaths.AsWorker(identity, () => CheckedPaths.WhyNotAppend(path)));
        }

        if (identity is not null && plan.App.Arguments is [var managed, ..] && File.Exists(managed) && CheckedPaths.AsWorker(identity, () => CheckedPaths.WhyNotRead(managed)) is { } why)
        {
            yield return Finding.Problem(Area, $"{managed} cannot be read by {theirs}: {why}. Give that user read access to it and to the folders above it.");
        }
    }

    private static Finding Appended(string setting, string path, string who, string? why) => why is null
        ? Finding.Ok(Area, $"{path}: can be written by {who} ({setting})")
        : Finding.Problem(Area, $"{setting} ('{path}') cannot be written by {who}: {why}. Its folder must exist and be writable for that user.");
}
