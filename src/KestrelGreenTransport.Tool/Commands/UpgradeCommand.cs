using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green upgrade</c>: returns when the new supervisor has taken over, or when it is clear that it will not.</summary>
internal static class UpgradeCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var command = new Command(
            "upgrade", "Start a new supervisor on the same sockets, for example after an update of green, and wait until it has taken over.");
        command.SetAction(parsed => ClientCommand.Talk(host, parsed, client => Upgrade(host, client)));
        return (command, ["green upgrade", "green upgrade --name shop"]);
    }

    private static int Upgrade(ToolHost host, ControlClient client)
    {
        var before = client.Ask(new ControlRequest { Command = "upgrade" });
        var progress = new WorkerProgress(host.Error);
        var isTold = false;
        for (var now = before; ; now = Progress.Look(host, client))
        {
            progress.Look(now);
            if (now.SupervisorPid != before.SupervisorPid)
            {
                host.Out.WriteLine($"{now.Name} is upgraded: supervisor {now.SupervisorPid}, version {now.Version}, is serving with {now.Workers.Count} {(now.Workers.Count == 1 ? "worker" : "workers")}.");
                return ExitCodes.Ok;
            }

            if (now.State != SupervisorPhase.Upgrading)
            {
                return host.Fail(
                    ExitCodes.ReloadFailed, $"{now.Name} was not upgraded: supervisor {now.SupervisorPid} keeps running. See the reason in its log: green logs.");
            }

            if (!isTold)
            {
                isTold = true;
                host.Error.WriteLine($"{now.Name}: a new supervisor is starting next to {now.SupervisorPid}. Ctrl+C only stops waiting.");
            }

            host.Wait(Progress.LookAgainAfter);
        }
    }
}
