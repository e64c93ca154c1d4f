using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Has the shell parse the configured commands without running them.</summary>
internal static class ShellCheck
{
    private const string Area = "commands";
    private const string Shell = "/bin/sh";

    public static IEnumerable<Finding> Of(GreenSupervisorOptions options)
    {
        if (options.BeforeStart is { } command)
        {
            yield return Look("BeforeStart", command, command);
        }

        foreach (var hook in options.Hook)
        {
            if (HookNames.Parse(hook) is var (_, toRun))
            {
                yield return Look("Hook", hook, toRun);
            }
        }
    }

    private static Finding Look(string setting, string value, string command)
    {
        using var shell = new CancellableCommand();
        var said = new List<string>();
        var end = shell.Run(
            new SpawnRequest { FileName = Shell, Arguments = ["-n", "-c", command], Environment = Self.Variables(), Descriptors = [] }, said.Add);
        return end switch
        {
            { NotStarted: { } error } => Finding.Problem(Area, $"{setting} ('{value}') needs {Shell}, which cannot be started: {error}."),
            { Status.Code: 0 } => Finding.Ok(Area, $"{setting} ('{value}'): valid for {Shell}"),
            _ => Finding.Problem(Area, $"{setting} ('{value}') is not valid for {Shell}: {string.Join(' ', said)}."),
        };
    }
}
