using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green dump</c>: shows what a worker is doing. The worker continues afterwards.</summary>
internal static class DumpCommand
{
    // A dump of all memory may need the supervisor's whole limit, and may have to wait for another dump first.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var index = new Argument<string>("INDEX") { Description = "The worker's number, as green status shows it." };
        var kind = new Option<string>("--kind") { Description = "What to save besides the stacks: stacks (nothing else), mini, heap or full. Default: stacks.", HelpName = "KIND" };
        kind.CompletionSources.Add([.. Enum.GetNames<GreenDumpKind>().Select(static name => name.ToLowerInvariant())]);
        var to = new Option<string>("--to") { Description = "Folder to save it in. Default: that of --dump-on-stale, else none.", HelpName = "DIR" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object, and nothing else." };
        var command = new Command("dump", "Show what every thread of a worker is doing. The worker pauses for about a second, then continues.") { index, kind, to, json };
        command.SetAction(parsed =>
        {
            var text = parsed.GetRequiredValue(index);
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var worker) || worker < 1)
            {
                return host.Fail(ExitCodes.Usage, $"INDEX ('{text}') must be the number of a worker, from 1.");
            }

            var request = new ControlRequest
            {
                Command = "dump",
                Worker = worker,
                Kind = parsed.GetValue(kind),
                Folder = parsed.GetValue(to) is { } folder ? Path.GetFullPath(folder, host.CurrentDirectory) : null,
            };
            return ClientCommand.Talk(host, parsed, client => Show(host, client.WithLimit(Limit).Ask(request, static response => response.Dump), parsed.GetValue(json)));
        });
        return (command, ["green dump 2", "green dump 2 --kind heap --to /var/dumps", "green dump 1 --json | jq -r .stacks"]);
    }

    private static int Show(ToolHost host, DumpDocument dump, bool asJson)
    {
        if (asJson)
        {
            host.Out.WriteLine(JsonSerializer.Serialize(dump, ControlJson.Default.DumpDocument));
            return ExitCodes.Ok;
        }

        host.Out.Write(dump.Stacks);
        foreach (var file in dump.Files)
        {
            host.Error.WriteLine($"green: saved in {file}");
        }

        return ExitCodes.Ok;
    }
}
