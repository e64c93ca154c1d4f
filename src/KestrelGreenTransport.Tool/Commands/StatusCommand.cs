using System.CommandLine;
using System.Text.Json;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Tool.CommandLine;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green status</c>: all workers at a glance, or one worker's history.</summary>
internal static class StatusCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var index = WorkerArgument.Optional("Only this worker, with its events and last lines; also one that has exited.");
        var json = new Option<bool>("--json") { Description = "Print one JSON object, and nothing else." };
        var command = new Command("status", "Show a supervisor, its listeners and its workers.") { index, json };
        command.SetAction(parsed => WorkerArgument.TryRead(parsed.GetValue(index), out var worker, out var error)
            ? ClientCommand.Talk(host, parsed, client => worker is { } one ? ShowOne(host, client, one, parsed.GetValue(json)) : ShowAll(host, client, parsed.GetValue(json)))
            : host.Fail(ExitCodes.Usage, error));
        return (command, ["green status", "green status 2", "green status --name shop", "green status --json | jq '.workers[].pid'"]);
    }

    private static int ShowAll(ToolHost host, ControlClient client, bool asJson)
    {
        var status = client.Ask(new ControlRequest { Command = "status" });
        if (asJson)
        {
            host.Out.WriteLine(JsonSerializer.Serialize(status, ControlJson.Default.StatusDocument));
        }
        else
        {
            StatusView.Write(status, host);
        }

        return ExitCodes.Ok;
    }

    private static int ShowOne(ToolHost host, ControlClient client, int index, bool asJson)
    {
        var status = client.Ask(new ControlRequest { Command = "status" });
        var worker = status.Workers.FirstOrDefault(one => one.Index == index);
        var story = client.Ask(new ControlRequest { Command = "story", Worker = index }, static response => response.Story);
        if (worker is null && !(story.Ended is [var gone, ..] && gone.Exit.Index == index))
        {
            return host.Fail(ExitCodes.Usage, $"{status.Name} has no worker {index}; workers: {string.Join(", ", status.Workers.Select(static one => one.Index))}.");
        }

        var document = new WorkerDocument
        {
            Name = status.Name,
            Worker = worker,
            Ended = story.Ended,
            OldestRequests = worker?.Pid is null ? [] : client.Ask(new ControlRequest { Command = "requests", Worker = index }, static response => response.InFlight).Oldest,
            Events = story.Events,
            Lines = story.Lines,
            LastWords = story.LastWords,
        };
        if (asJson)
        {
            host.Out.WriteLine(JsonSerializer.Serialize(document, ToolJson.Default.WorkerDocument));
        }
        else
        {
            WorkerView.Write(document, host);
        }

        return ExitCodes.Ok;
    }
}
