using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green reload</c>: returns when the new generation serves, or has failed.</summary>
internal static class ReloadCommand
{
    private const int LastLines = 30;

    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var command = new Command(
            "reload", "Read the settings and find the app again, then replace the workers one at a time. If a new worker fails, the old ones keep serving (exit code 7).");
        command.SetAction(parsed => ClientCommand.Talk(host, parsed, client => Reload(host, client)));
        return (command, ["green reload", "green reload --name shop"]);
    }

    private static int Reload(ToolHost host, ControlClient client)
    {
        var progress = new Progress(host, client);
        var taken = client.Ask(new ControlRequest { Command = "reload" });
        if (taken.State == SupervisorPhase.Stopping)
        {
            return host.Fail(ExitCodes.ReloadFailed, $"{taken.Name} is stopping.");
        }

        var wanted = Reloads(host, client).Asked;
        while (true)
        {
            progress.Show();
            if (Reloads(host, client).Last is { } last && last.Number >= wanted)
            {
                progress.Show();
                return last.Failure is null ? Succeeded(host, Progress.Look(host, client)) : Failed(host, progress, taken, last);
            }

            host.Wait(Progress.LookAgainAfter);
        }
    }

    private static int Succeeded(ToolHost host, StatusDocument status)
    {
        host.Out.WriteLine($"{status.Name} is serving generation {status.Generation} with {status.WorkersTarget} {(status.WorkersTarget == 1 ? "worker" : "workers")}.");
        return ExitCodes.Ok;
    }

    private static int Failed(ToolHost host, Progress progress, StatusDocument before, EndedReload failed)
    {
        if (failed.Worker is { } worker)
        {
            // The last lines of a process may arrive shortly after its end.
            host.Wait(Progress.LookAgainAfter);
            foreach (var line in progress.LinesOf(worker, LastLines))
            {
                host.Error.WriteLine($"    {line}");
            }
        }

        return host.Fail(ExitCodes.ReloadFailed, $"the reload failed: {failed.Failure}. Generation {before.Generation} keeps serving.");
    }

    private static ReloadsStatus Reloads(ToolHost host, ControlClient client) =>
        Progress.Ask(host, () => client.Ask(new ControlRequest { Command = "reloads" }, static response => response.Reloads));
}
