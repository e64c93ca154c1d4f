using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Tool.CommandLine;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green run</c>.</summary>
internal static class RunCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var app = new Argument<string>("APP") { Description = "The app: a .dll, an executable, or a project folder, which is built first." };
        var arguments = new Argument<string[]>("ARGUMENTS")
        {
            Description = "The app's own arguments. Options that green knows are green's, unless they stand after --.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("run", "Run an app: bind its sockets, start its workers, replace those that die or hang.") { app, arguments };
        foreach (var setting in SettingsCatalogue.All.Except([SettingsCatalogue.Name, SettingsCatalogue.Control]))
        {
            command.Add(new SettingOption(setting));
        }

        // Without this an unknown option in front of APP would be taken for APP.
        app.Validators.Add(static result =>
        {
            if (result.Tokens is [var token, ..] && token.Value.StartsWith('-'))
            {
                result.AddError(token.Value);
            }
        });
        command.SetAction(parsed => Run(host, parsed, parsed.GetRequiredValue(app), parsed.GetValue(arguments) ?? []));
        return (command,
        [
            "green run -w 4 -b 127.0.0.1:8080 ./Shop.dll",
            "green run -b unix:/run/shop.sock --unix-file-mode 660 ./publish/Shop",
            "green run --timeout 10s ./src/Shop --Logging:LogLevel:Default=Warning",
            "green run ./Shop.dll -- --name \"an option of the app's own\"",
        ]);
    }

    private static int Run(ToolHost host, ParseResult parsed, string app, string[] arguments)
    {
        if (!host.IsLinux)
        {
            return host.Fail(ExitCodes.Usage, $"the supervisor needs Linux; the transport works here too: run {app} by itself.");
        }

        var path = Path.GetFullPath(app, host.CurrentDirectory);
        var input = new SettingsInput
        {
            CommandLine = SettingOption.Given(parsed),
            AppArguments = arguments,
            Environment = host.Environment,
            CurrentDirectory = host.CurrentDirectory,
            AppDirectory = Directory.Exists(path) ? path : Path.GetDirectoryName(path),
        };
        var settings = SettingsLoader.Load(input);
        foreach (var warning in settings.Warnings)
        {
            host.Error.WriteLine($"green: {warning}");
        }

        // Before a project is built: a typo should not cost a minute.
        if (settings.Problems.Count > 0)
        {
            return host.Fail(ExitCodes.Usage, settings.Problems);
        }

        var resolution = host.Apps.Resolve(app, arguments);
        if (resolution.App is not { } command)
        {
            return host.Fail(ExitCodes.AppNotStartable, resolution.Error!);
        }

        var (plan, problems) = LaunchPlanner.Plan(settings, input, command);
        return plan is null ? host.Fail(ExitCodes.Usage, problems) : host.Run(plan);
    }
}
