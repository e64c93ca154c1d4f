using System.CommandLine;
using System.Text.Json;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green status</c>.</summary>
internal static class StatusCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object, and nothing else." };
        var command = new Command("status", "Show a supervisor, its listeners and its workers.") { json };
        command.SetAction(parsed => ClientCommand.Talk(host, parsed, client =>
        {
            var status = client.Ask(new ControlRequest { Command = "status" });
            if (parsed.GetValue(json))
            {
                host.Out.WriteLine(JsonSerializer.Serialize(status, ControlJson.Default.StatusDocument));
            }
            else
            {
                StatusView.Write(status, host);
            }

            return ExitCodes.Ok;
        }));
        return (command, ["green status", "green status --name shop", "green status --json | jq '.workers[].pid'"]);
    }
}
