using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Tool.CommandLine;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green drain N</c> returns when that worker has exited, <c>green drain --all</c> when no worker is left.</summary>
internal static class DrainCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var index = WorkerArgument.Optional("Only this worker: it starts to drain at once, while its replacement starts.");

        // Must be spelled out, so that it cannot happen by leaving out the index.
        var all = new Option<bool>("--all") { Description = "All workers: clients wait until green reload starts new workers." };
        var command = new Command("drain", "Let a worker, or all of them, finish their requests and exit. The sockets stay open.") { index, all };
        command.SetAction(parsed => !WorkerArgument.TryRead(parsed.GetValue(index), out var worker, out var error)
            ? host.Fail(ExitCodes.Usage, error)
            : (worker, parsed.GetValue(all)) switch
            {
                (not null, false) or (null, true) => ClientCommand.Talk(host, parsed, client => Operation.Run(host, client, new ControlRequest { Command = "drain", Worker = worker })),
                _ => host.Fail(ExitCodes.Usage, "name a worker (green drain N), or use green drain --all, after which no worker is serving. To replace workers: green restart."),
            });
        return (command, ["green drain 2", "green drain --all"]);
    }
}
