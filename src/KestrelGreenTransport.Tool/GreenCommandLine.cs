using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Tool.CommandLine;
using KestrelGreenTransport.Tool.Commands;
using KestrelGreenTransport.Tool.Completions;

namespace KestrelGreenTransport.Tool;

/// <summary>The command line of <c>green</c>: its commands, and what happens when it cannot be parsed.</summary>
internal static class GreenCommandLine
{
    public static int Invoke(string[] arguments, ToolHost host)
    {
        var examples = new Dictionary<Command, string[]>();
        var root = Build(host, examples);
        var parsed = root.Parse(arguments, new ParserConfiguration
        {
            // An app's own arguments may begin with '@'.
            ResponseFileTokenReplacer = null,
            EnablePosixBundling = false,
        });
        if (parsed.Errors.Count > 0 && parsed.Action is null or ParseErrorAction)
        {
            return host.Fail(ExitCodes.Usage, ParseErrors.Describe(parsed));
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                Output = host.Out,
                Error = host.Error,
                EnableDefaultExceptionHandler = false,
                // Signals are handled by the supervisor.
                ProcessTerminationTimeout = null,
            });
        }
        catch (Exception unexpected)
        {
            return host.Fail(ExitCodes.Unexpected, $"unexpected: {unexpected}");
        }
    }

    private static Command Build(ToolHost host, Dictionary<Command, string[]> examples)
    {
        var help = new HelpOption { Description = "Show help." };
        var usual = (HelpAction)help.Action!;
        usual.MaxWidth = host.Width;
        help.Action = new ExampleHelp(usual, examples);

        var version = new Option<bool>("--version") { Description = "Show the version.", Action = new ShowVersion() };
        var root = new Command("green", "Run an ASP.NET Core app as several processes on shared sockets, and supervise them.")
        {
            new SettingOption(SettingsCatalogue.Name)
            {
                Recursive = true,
                Description = "The supervisor's name. Default: for run, the app's name in lower case; else the only running supervisor.",
            },
            new SettingOption(SettingsCatalogue.Control) { Recursive = true },
            help,
            version,
        };
        foreach (var (command, lines) in new[]
        {
            RunCommand.Create(host), StatusCommand.Create(host), TopCommand.Create(host), LogsCommand.Create(host), ReloadCommand.Create(host),
            ScaleCommand.Create(host), RestartCommand.Create(host), DrainCommand.Create(host), UpgradeCommand.Create(host), DumpCommand.Create(host),
            StopCommand.Create(host),
            ConfigCommand.Create(host), CheckCommand.Create(host),
            CompletionsCommand.Create(host, () => CommandTree.Of(root, examples)),
        })
        {
            root.Add(command);
            examples.Add(command, lines);
        }

        examples.Add(root, ["green run -w 4 -b 127.0.0.1:8080 ./Shop.dll", "green status", "green run --help"]);
        return root;
    }

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(SupervisorVersion.Text);
            return ExitCodes.Ok;
        }
    }
}
