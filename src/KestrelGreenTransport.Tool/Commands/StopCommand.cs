using System.CommandLine;
using KestrelGreenTransport.Supervisor;

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
            var name = "";
            var progress = new WorkerProgress(host.Error);
            client.Stop(
                parsed.GetValue(quick),
                status =>
                {
                    name = $"{status.Name} (pid {status.SupervisorPid})";
                    host.Error.WriteLine($"stopping {name} with {Workers(status.Workers.Count)}. Ctrl+C only stops waiting.");
                    progress.Look(status);
                },
                progress.Look);
            host.Out.WriteLine($"{name} has stopped.");
            return ExitCodes.Ok;
        }));
        return (command, ["green stop", "green stop --name shop", "green stop --quick"]);
    }

    private static string Workers(int count) => count == 1 ? "1 worker" : $"{count} workers";
}
