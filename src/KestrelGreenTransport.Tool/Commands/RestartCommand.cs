using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;
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
            ? ClientCommand.Talk(host, parsed, client => Restart(host, client, worker))
            : host.Fail(ExitCodes.Usage, error));
        return (command, ["green restart", "green restart 2"]);
    }

    private static int Restart(ToolHost host, ControlClient client, int? worker)
    {
        var progress = new Progress(host, client);
        var before = client.Ask(new ControlRequest { Command = "status" });
        var old = before.Workers.Where(one => one.State == WorkerPhase.Serving && (worker is null || one.Index == worker)).Select(static one => one.Pid).ToHashSet();
        if (worker is { } wanted && before.Workers.All(one => one.Index != wanted))
        {
            return host.Fail(ExitCodes.Usage, $"{before.Name} has no worker {wanted}: green status lists the workers.");
        }

        var known = before.Workers.Select(static one => one.Pid).ToHashSet();
        for (var now = client.Ask(new ControlRequest { Command = "restart", Worker = worker }); ; now = Progress.Look(host, client))
        {
            progress.Show();
            if (now.State is SupervisorPhase.Stopping or SupervisorPhase.Reloading)
            {
                return host.Fail(ExitCodes.Unexpected, $"{now.Name} is {NoticeReporter.Name(now.State)}.");
            }

            if (!now.Workers.Any(one => old.Contains(one.Pid)))
            {
                host.Out.WriteLine($"{now.Name}: {old.Count} {(old.Count == 1 ? "worker" : "workers")} replaced.");
                return ExitCodes.Ok;
            }

            if (now.Workers.FirstOrDefault(one => one is { State: WorkerPhase.Backoff, LastExit: not null } && !known.Contains(one.Pid)) is { LastExit: { } exit } failed)
            {
                return host.Fail(
                    ExitCodes.Unexpected,
                    $"worker {failed.Index} does not start ({exit.Reason}). The supervisor keeps trying, and the old worker keeps serving. See the reason: green logs {failed.Index}.");
            }

            host.Wait(Progress.LookAgainAfter);
        }
    }
}
