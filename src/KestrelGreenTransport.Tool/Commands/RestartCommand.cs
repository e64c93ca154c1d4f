using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Tool.CommandLine;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green restart</c>: returns when the workers have been replaced by others of the same generation.</summary>
internal static class RestartCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var index = WorkerArgument.Optional("Only this worker.");
        var command = new Command("restart", "Restart workers one at a time, keeping app and settings; each old worker stays until its replacement is serving.") { index };
        command.SetAction(parsed => WorkerArgument.TryRead(parsed.GetValue(index), out var worker, out var error)
            ? ClientCommand.Talk(host, parsed, client => Operation.Run(host, client, new ControlRequest { Command = "restart", Worker = worker }))
            : host.Fail(ExitCodes.Usage, error));
        return (command, ["green restart", "green restart 2"]);
    }
}
