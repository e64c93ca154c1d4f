using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green run</c>.</summary>
internal static class RunCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var command = new Command("run", "Run an app: bind its sockets, start its workers, and replace those that die or hang.");
        var line = new AppCommandLine(command, appIsRequired: true);
        command.SetAction(parsed => Run(host, line.App(parsed)!, line.Arguments(parsed), line.Input(host, parsed)));
        return (command,
        [
            "green run -w 4 -b 127.0.0.1:8080 ./Shop.dll",
            "green run -b unix:/run/shop.sock --unix-file-mode 660 ./publish/Shop",
            "green run --watch ./src/Shop",
            "green run --timeout 10s ./src/Shop --Logging:LogLevel:Default=Warning",
            "green run ./Shop.dll -- --name \"an option of the app's own\"",
        ]);
    }

    private static int Run(ToolHost host, string app, string[] arguments, SettingsInput input)
    {
        if (!host.IsLinux)
        {
            return host.Fail(ExitCodes.Usage, $"the supervisor needs Linux. The transport works here too: run {app} without the supervisor.");
        }

        var settings = SettingsLoader.Load(input);
        foreach (var warning in settings.Warnings)
        {
            host.Error.WriteLine($"green: {warning}");
        }

        // Checked before a project is built: a typo should not cost a minute.
        if (settings.Problems.Count > 0)
        {
            return host.Fail(ExitCodes.Usage, settings.Problems);
        }

        // The build output is deleted at the end.
        using var builds = host.Apps.Builds;
        var resolution = host.Apps.Resolve(app, arguments);
        if (resolution.App is not { } command)
        {
            return host.Fail(ExitCodes.AppNotStartable, resolution.Error!);
        }

        var (plan, problems) = LaunchPlanner.Plan(settings, input, command, commands => host.Apps.Resolve(app, arguments, commands));
        return plan is null ? host.Fail(ExitCodes.Usage, problems) : host.Run(plan);
    }
}
