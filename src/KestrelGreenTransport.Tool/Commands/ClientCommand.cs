using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Tool.CommandLine;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary>What the commands to a running supervisor have in common.</summary>
internal static class ClientCommand
{
    /// <summary>Finds the supervisor and talks to it; a failure is printed and becomes the exit code.</summary>
    public static int Talk(ToolHost host, ParseResult parsed, Func<ControlClient, int> talk)
    {
        var target = SettingsLoader.LoadTarget(new SettingsInput
        {
            CommandLine = SettingOption.Given(parsed),
            Environment = host.Environment,
            CurrentDirectory = host.CurrentDirectory,
        });
        if (target.Problems.Count > 0)
        {
            return host.Fail(ExitCodes.Usage, target.Problems);
        }

        try
        {
            var control = target.Options.Control is { } path ? Path.GetFullPath(path, host.CurrentDirectory) : null;
            return talk(host.Connect(ControlTarget.Find(control, target.Options.Name, host.ControlDirectory)));
        }
        catch (ControlException failed)
        {
            return host.Fail(failed.ExitCode, failed.Message);
        }
    }
}
