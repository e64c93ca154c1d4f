using System.CommandLine;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Tool.CommandLine;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary>The part of a command line that names an app and the supervisor's settings: the same for run, config and check.</summary>
internal sealed class AppCommandLine
{
    private readonly Argument<string?> _app;
    private readonly Argument<string[]> _arguments;

    public AppCommandLine(Command command, bool appIsRequired)
    {
        _app = new Argument<string?>("APP")
        {
            Description = "The app: a .dll, an executable, or a project folder, which is built first.",
            Arity = appIsRequired ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        };
        _arguments = new Argument<string[]>("ARGUMENTS")
        {
            Description = "The app's own arguments. green takes the options that it knows, except after --.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        command.Add(_app);
        command.Add(_arguments);
        foreach (var setting in SettingsCatalogue.All.Except([SettingsCatalogue.Name, SettingsCatalogue.Control]))
        {
            command.Add(new SettingOption(setting));
        }

        // Without this an unknown option before APP would be parsed as APP.
        _app.Validators.Add(static result =>
        {
            if (result.Tokens is [var token, ..] && token.Value.StartsWith('-'))
            {
                result.AddError(token.Value);
            }
        });
    }

    /// <summary>The app as given; null if it was omitted.</summary>
    public string? App(ParseResult parsed) => parsed.GetValue(_app);

    public string[] Arguments(ParseResult parsed) => parsed.GetValue(_arguments) ?? [];

    /// <summary>Everything that settings are read from.</summary>
    public SettingsInput Input(ToolHost host, ParseResult parsed)
    {
        var path = App(parsed) is { } app ? Path.GetFullPath(app, host.CurrentDirectory) : null;
        return new SettingsInput
        {
            CommandLine = SettingOption.Given(parsed),
            AppArguments = Arguments(parsed),
            Environment = host.Environment,
            CurrentDirectory = host.CurrentDirectory,
            AppDirectory = Directory.Exists(path) ? path : Path.GetDirectoryName(path),
        };
    }
}
