using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green stop</c>: returns when the supervisor has exited.</summary>
internal static class StopCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var quick = new Option<bool>("--quick") { Description = "Exit at once; requests in flight are lost." };
        var command = new Command("stop", "Stop a supervisor and its workers, and wait until they have exited. Requests in flight finish.") { quick };
        command.SetAction(parsed => ClientCommand.Talk(host, parsed, client =>
        {
            var status = Operation.Follow(
                host,
                client.Stop(parsed.GetValue(quick)),
                static status => $"stopping {Name(status)} with {Counted.Of(status.Workers.Count, "worker")}. Ctrl+C only stops waiting.").Status!;
            host.Out.WriteLine($"{Name(status)} has stopped.");
            return ExitCodes.Ok;
        }));
        return (command, ["green stop", "green stop --name shop", "green stop --quick"]);
    }

    private static string Name(StatusDocument status) => $"{status.Name} (pid {status.SupervisorPid})";
}
