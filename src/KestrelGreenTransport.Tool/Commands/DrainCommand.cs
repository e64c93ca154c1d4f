using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green drain --all</c>: returns when no worker is left.</summary>
internal static class DrainCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        // Said in full, so that nobody does it by a word too few.
        var all = new Option<bool>("--all") { Description = "All workers." };
        var command = new Command("drain", "Have all workers finish and leave, and keep the sockets: clients wait until green reload brings the workers back.") { all };
        command.SetAction(parsed => parsed.GetValue(all)
            ? ClientCommand.Talk(host, parsed, client => Drain(host, client))
            : host.Fail(ExitCodes.Usage, "nobody serves after a drain: say green drain --all. To replace workers: green restart."));
        return (command, ["green drain --all"]);
    }

    private static int Drain(ToolHost host, ControlClient client)
    {
        var progress = new Progress(host, client);
        for (var now = client.Ask(new ControlRequest { Command = "drain" }); ; now = client.Ask(new ControlRequest { Command = "status" }))
        {
            progress.Show();
            if (now.Workers.Count == 0)
            {
                host.Out.WriteLine($"{now.Name} has no workers now; its sockets stay. Bring workers back with green reload.");
                return ExitCodes.Ok;
            }

            host.Wait(Progress.LookAgainAfter);
        }
    }
}
