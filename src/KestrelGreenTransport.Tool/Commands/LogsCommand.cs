using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Tool.CommandLine;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green logs</c>: the workers' output and the supervisor's events, as far as the supervisor still keeps them.</summary>
internal static class LogsCommand
{
    private const int LinesByDefault = 50;

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(250);

    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var index = WorkerArgument.Optional("Only this worker's lines, and the supervisor's events about it.");
        var follow = new Option<bool>("--follow", "-f") { Description = "Keep printing new lines until the supervisor exits." };
        var lines = new Option<string>("--lines", "-n")
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"How many of the newest lines to print: a whole number up to {ControlQuestions.MostLines}. Default: {LinesByDefault}."),
            HelpName = "N",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object; with --follow, one per line." };
        var command = new Command("logs", "Show the last lines of the workers and of the supervisor.") { index, follow, lines, json };
        command.SetAction(parsed =>
        {
            if (!WorkerArgument.TryRead(parsed.GetValue(index), out var worker, out var error))
            {
                return host.Fail(ExitCodes.Usage, error);
            }

            var count = LinesByDefault;
            if (parsed.GetValue(lines) is { } text
                && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count > ControlQuestions.MostLines))
            {
                return host.Fail(ExitCodes.Usage, $"--lines ('{text}') must be a whole number from 0 to {ControlQuestions.MostLines}.");
            }

            return ClientCommand.Talk(host, parsed, client => Show(host, client, worker, count, parsed.GetValue(follow), parsed.GetValue(json)));
        });
        return (command, ["green logs", "green logs 2 -f", "green logs -n 500 | grep -i error", "green logs --json | jq '.lines[].text'"]);
    }

    private static int Show(ToolHost host, ControlClient client, int? worker, int count, bool follow, bool asJson)
    {
        var answer = client.Ask(new ControlRequest { Command = "logs", Worker = worker, Last = count }, Answer);
        if (asJson && !follow)
        {
            host.Out.WriteLine(JsonSerializer.Serialize(new LogsDocument { Lines = answer.Lines!, Next = answer.Next ?? 0 }, ToolJson.Default.LogsDocument));
            return ExitCodes.Ok;
        }

        while (true)
        {
            foreach (var line in answer.Lines!)
            {
                host.Out.WriteLine(asJson ? JsonSerializer.Serialize(line, ToolJson.Default.LogLine) : LogText.Of(line));
            }

            if (!follow)
            {
                return ExitCodes.Ok;
            }

            host.Out.Flush();
            host.Wait(LookAgainAfter);
            try
            {
                answer = client.Ask(new ControlRequest { Command = "logs", Worker = worker, After = answer.Next }, Answer);
            }
            catch (ControlException gone) when (gone.ExitCode == ExitCodes.NoSupervisor)
            {
                host.Error.WriteLine("green: the supervisor has exited.");
                return ExitCodes.Ok;
            }
        }
    }

    private static ControlResponse? Answer(ControlResponse response) => response.Lines is null ? null : response;
}
