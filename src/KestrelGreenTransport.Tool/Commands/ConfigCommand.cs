using System.CommandLine;
using System.Text.Json;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;
using KestrelGreenTransport.Tool.Rendering;
using Spectre.Console;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green config</c>: what <c>green run</c> with the same words would use, and where it comes from.</summary>
internal static class ConfigCommand
{
    private const string Hidden = "***";

    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var sources = new Option<bool>("--show-sources") { Description = "Show where each value comes from." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object, and nothing else." };
        var schema = new Option<string>("--schema")
        {
            Description = $"Print the JSON schema of {string.Join(" or ", SettingsSchema.Files)} instead.",
            HelpName = "FILE",
        };
        schema.CompletionSources.Add([.. SettingsSchema.Files]);
        var command = new Command("config", "Show the settings that green run would use here, and where they come from.") { sources, json, schema };
        var line = new AppCommandLine(command, appIsRequired: false);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(schema) is { } file)
            {
                return PrintSchema(host, file);
            }

            var document = Read(line.Input(host, parsed), RuntimeConfig(host, line.App(parsed)));
            if (parsed.GetValue(json))
            {
                host.Out.WriteLine(JsonSerializer.Serialize(document, ToolJson.Default.ConfigDocument));
            }
            else
            {
                Print(host, document, parsed.GetValue(sources));
            }

            return document.Problems.Count > 0 ? ExitCodes.Usage : ExitCodes.Ok;
        });
        return (command, ["green config --show-sources", "green config -w 8 ./Shop.dll", "green config --json | jq '.settings[] | select(.source != \"default\")'", "green config --schema green.json > green.schema.json"]);
    }

    private static int PrintSchema(ToolHost host, string file)
    {
        if (!SettingsSchema.Files.Contains(file))
        {
            return host.Fail(ExitCodes.Usage, $"--schema ('{file}') must be {string.Join(" or ", SettingsSchema.Files)}.");
        }

        host.Out.Write(SettingsSchema.Of(file));
        return ExitCodes.Ok;
    }

    // Nothing is known about a project, because it is not built for this.
    private static string? RuntimeConfig(ToolHost host, string? app) =>
        app is null ? null
        : app.EndsWith(".dll", StringComparison.Ordinal) ? AppFile.RuntimeConfigOf(Path.GetFullPath(app, host.CurrentDirectory))
        : Path.GetFullPath(app, host.CurrentDirectory) + ".runtimeconfig.json";

    private static ConfigDocument Read(SettingsInput input, string? runtimeConfig)
    {
        var settings = SettingsLoader.Load(input);
        var problems = new List<string>(settings.Problems);
        var binds = LaunchPlanner.Binds(settings, input, problems);
        return new ConfigDocument
        {
            Settings = [.. SettingsCatalogue.All.Select(setting => Describe(setting, settings, [.. binds.Select(static bind => bind.Text).Distinct()]))],
            WorkerEnvironment = WorkerEnvironment.Defaults(settings.Options, new Dictionary<string, string>(input.Environment), runtimeConfig),
            Problems = problems,
            Warnings = settings.Warnings,
        };
    }

    private static ConfigSetting Describe(Setting<GreenSupervisorOptions> setting, LoadedSettings settings, IReadOnlyList<string> binds)
    {
        // Without -b the addresses come from ASP.NET Core's own variables.
        IReadOnlyList<string> values = setting == SettingsCatalogue.Bind ? binds : setting.Read(settings.Options);
        return new ConfigSetting
        {
            Name = setting.Name,
            Value = setting.IsSecret && values.Count > 0 ? [Hidden] : values,
            Source = settings.Origins[setting].Text,
            Default = setting.Default.Replace("`", "", StringComparison.Ordinal),
            Option = setting.Option,
            Variable = setting.Variable,
        };
    }

    private static void Print(ToolHost host, ConfigDocument document, bool showSources)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        table.AddColumn(Column("SETTING", wrap: false)).AddColumn(Column("VALUE", wrap: true));
        if (showSources)
        {
            table.AddColumn(Column("FROM", wrap: true));
        }

        foreach (var setting in document.Settings)
        {
            var value = setting.Value.Count > 0 ? string.Join(", ", setting.Value) : $"({setting.Default})";
            var isDefault = setting.Source == SettingOrigin.Default.Text;
            Text[] row = [new(setting.Name), new(value, isDefault ? new Style(decoration: Decoration.Dim) : Style.Plain), .. showSources ? [new Text(setting.Source)] : Array.Empty<Text>()];
            table.AddRow(row);
        }

        PlainConsole.Write(host, table);
        var variables = new Table { Border = TableBorder.None, ShowHeaders = true };
        variables.AddColumn(Column("WORKERS GET", wrap: false)).AddColumn(Column("VALUE", wrap: true));
        foreach (var (name, value) in document.WorkerEnvironment)
        {
            variables.AddRow(name, value);
        }

        host.Out.WriteLine();
        PlainConsole.Write(host, variables);
        foreach (var message in document.Warnings.Concat(document.Problems))
        {
            host.Error.WriteLine($"green: {message}");
        }
    }

    private static TableColumn Column(string name, bool wrap) => new(name) { NoWrap = !wrap, Padding = new Padding(0, 0, 2, 0) };
}
