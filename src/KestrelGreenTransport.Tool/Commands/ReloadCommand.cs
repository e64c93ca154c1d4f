using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green reload</c>: returns when the new generation serves, or has failed.</summary>
internal static class ReloadCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var command = new Command(
            "reload", "Read the settings and find the app again, then replace the workers one at a time. If a new worker fails, the old ones keep serving (exit code 7).");
        command.SetAction(parsed => ClientCommand.Talk(host, parsed, client => Operation.Run(host, client, new ControlRequest { Command = "reload" }, ExitCodes.ReloadFailed)));
        return (command, ["green reload", "green reload --name shop"]);
    }
}
