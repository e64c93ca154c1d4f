using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green upgrade</c>: returns when the new supervisor has taken over, or when it is clear that it will not.</summary>
internal static class UpgradeCommand
{
    private const int Attempts = 10;

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(200);

    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var command = new Command(
            "upgrade", "Start a new supervisor on the same sockets, for example after an update of green, and wait until it has taken over.");
        command.SetAction(parsed => ClientCommand.Talk(host, parsed, client => Upgrade(host, client)));
        return (command, ["green upgrade", "green upgrade --name shop"]);
    }

    private static int Upgrade(ToolHost host, ControlClient client)
    {
        var answer = Operation.Follow(
            host,
            client.Follow(new ControlRequest { Command = "upgrade" }),
            static status => $"{status.Name}: a new supervisor is starting next to {status.SupervisorPid}. Ctrl+C only stops waiting.");
        if (answer.Operation is { Outcome: not (OperationOutcome.Succeeded or OperationOutcome.Pending) } failed)
        {
            return host.Fail(ExitCodes.ReloadFailed, failed.Message);
        }

        // The new supervisor tells its version itself. An older one does not say how the upgrade ends: then this is how we learn it.
        for (var now = Look(host, client); ; now = Look(host, client))
        {
            if (now.SupervisorPid != answer.Status?.SupervisorPid)
            {
                host.Out.WriteLine($"{now.Name} is upgraded: supervisor {now.SupervisorPid}, version {now.Version}, is serving with {Counted.Of(now.Workers.Count, "worker")}.");
                return ExitCodes.Ok;
            }

            if (now.State != SupervisorPhase.Upgrading)
            {
                return host.Fail(ExitCodes.ReloadFailed, $"{now.Name} was not upgraded: supervisor {now.SupervisorPid} keeps running. See the reason in its log: green logs.");
            }

            host.Wait(LookAgainAfter);
        }
    }

    // A supervisor that is just handing over exits without an answer, and the next one listens right after.
    private static StatusDocument Look(ToolHost host, ControlClient client)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return client.Ask(new ControlRequest { Command = "status" });
            }
            catch (ControlException) when (attempt < Attempts)
            {
                host.Wait(LookAgainAfter);
            }
        }
    }
}
