using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Checking;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Tool.Rendering;
using Spectre.Console;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green check</c>: reports everything that would stop <c>green run</c> with the same arguments, all at once, like <c>nginx -t</c>.</summary>
internal static class CheckCommand
{
    private const string Settings = "settings";

    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var nginx = new Option<string>("--nginx") { Description = "An nginx configuration that should proxy to this app: its addresses and time limits are checked too.", HelpName = "CONF" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object, and nothing else." };
        var command = new Command("check", "Check settings, app, certificates, addresses and permissions without running anything.") { nginx, json };
        var line = new AppCommandLine(command, appIsRequired: false);
        command.SetAction(parsed =>
        {
            if (!host.IsLinux)
            {
                return host.Fail(ExitCodes.Usage, "the supervisor needs Linux, and so does this check.");
            }

            var findings = Look(host, line.App(parsed), line.Arguments(parsed), line.Input(host, parsed), parsed.GetValue(nginx));
            var problems = findings.Count(static finding => finding.Severity == Severity.Problem);
            if (parsed.GetValue(json))
            {
                host.Out.WriteLine(JsonSerializer.Serialize(Document(findings), ToolJson.Default.CheckDocument));
            }
            else
            {
                Print(host, findings, problems);
            }

            return problems > 0 ? ExitCodes.Usage : ExitCodes.Ok;
        });
        return (command, ["green check", "green check -w 4 -b :8080 ./Shop.dll", "green check ./Shop.dll --nginx /etc/nginx/nginx.conf"]);
    }

    private static List<Finding> Look(ToolHost host, string? app, string[] arguments, SettingsInput input, string? nginx)
    {
        var settings = SettingsLoader.Load(input);
        var files = new List<string>();
        var configuration = AppConfiguration.Whole(input, files);
        using var builds = host.Apps.Builds;
        var resolution = app is null ? null : host.Apps.Resolve(app, arguments);
        if (resolution?.App is null)
        {
            // Watch requires an app built from source. Without the app that is unknown, so Watch is not checked.
            settings.Options.Watch = false;
        }

        // A missing app gets a placeholder in the plan, so that the rest can be checked.
        var command = resolution?.App ?? new AppCommand(app ?? "app", [], app ?? "app");
        var (plan, planned) = LaunchPlanner.Draft(settings, input, command, _ => new AppResolution(command, null));
        var problems = new List<string>(planned.Union(files));
        IReadOnlyList<BindSpec> ofKestrel = settings.IsSet(SettingsCatalogue.Bind) ? [] : DefaultBinds.OfKestrel(configuration, input.CurrentDirectory, problems);
        var identity = FilesCheck.IdentityOf(plan.Options, problems);
        var findings = new List<Finding>();
        findings.AddRange(problems.Select(static problem => Finding.Problem(Settings, problem)));
        findings.AddRange(settings.Warnings.Select(static warning => Finding.Warning(Settings, warning)));
        if (findings.Count == 0)
        {
            var set = SettingsCatalogue.All.Where(settings.IsSet).Select(static setting => setting.Name).ToList();
            findings.Add(Finding.Ok(Settings, set.Count > 0 ? $"ok, set: {string.Join(", ", set)}" : "ok: all defaults"));
        }

        findings.AddRange(resolution is null
            ? [Finding.Warning("app", "not checked, because no app was named: green check APP")]
            : AppCheck.Of(app!, resolution));
        findings.AddRange(CertificateCheck.Of(configuration, AppConfiguration.ContentRoot(input), TimeProvider.System.GetUtcNow()));
        if (resolution?.App is { } found)
        {
            findings.AddRange(CertificateCheck.OfWatching(configuration, found));
        }

        var running = Running(host, plan.Options.Control!);
        var binds = ofKestrel.Count > 0 ? ofKestrel : LaunchPlanner.Binds(settings, input, new List<string>());
        var bound = plan with { Binds = [.. binds] };
        findings.AddRange(BindCheck.Of(bound, running));
        findings.AddRange(BindCheck.OfAdmin(plan.Admin, running));
        findings.AddRange(DeployCheck.Of(running));
        findings.AddRange(RightsCheck.Of(bound));
        findings.AddRange(FilesCheck.Of(plan, identity, configuration["GreenTransport:AccessLog"], plan.App.WorkingDirectory ?? input.CurrentDirectory));
        findings.AddRange(ShellCheck.Of(plan.Options));
        if (nginx is not null)
        {
            findings.AddRange(NginxCheck.Of(Path.GetFullPath(nginx, host.CurrentDirectory), binds, settings.Options));
        }

        return findings;
    }

    private static StatusDocument? Running(ToolHost host, string control)
    {
        try
        {
            return host.Connect(control).Ask(new ControlRequest { Command = "status" });
        }
        catch (ControlException)
        {
            return null;
        }
    }

    private static CheckDocument Document(IReadOnlyList<Finding> findings) => new()
    {
        Ok = findings.All(static finding => finding.Severity != Severity.Problem),
        Findings = [.. findings.Select(static finding => new CheckFinding(finding.Area, finding.Severity.ToString().ToLowerInvariant(), finding.Text))],
    };

    private static void Print(ToolHost host, IReadOnlyList<Finding> findings, int problems)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = false };
        table.AddColumn(new TableColumn("") { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        table.AddColumn(new TableColumn("") { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        table.AddColumn(new TableColumn("") { Padding = new Padding(0, 0, 0, 0) });
        foreach (var finding in findings)
        {
            var (word, colour) = finding.Severity switch
            {
                Severity.Problem => ("PROBLEM", Color.Red),
                Severity.Warning => ("warning", Color.Yellow),
                _ => ("ok", Color.Green),
            };
            table.AddRow(new Text(word, new Style(colour)), new Text(finding.Area), new Text(finding.Text));
        }

        PlainConsole.Write(host, table);
        host.Out.WriteLine();
        var warnings = findings.Count(static finding => finding.Severity == Severity.Warning);
        host.Out.WriteLine(problems == 0
            ? $"It would run{(warnings > 0 ? $"; {Count(warnings, "warning")}" : "")}."
            : $"It would not run: {Count(problems, "problem")}{(warnings > 0 ? $", {Count(warnings, "warning")}" : "")}.");
    }

    private static string Count(int number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");
}
