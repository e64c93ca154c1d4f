using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;
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
                ({ } one, false) => ClientCommand.Talk(host, parsed, client => Drain(host, client, one)),
                (null, true) => ClientCommand.Talk(host, parsed, client => DrainAll(host, client)),
                _ => host.Fail(ExitCodes.Usage, "name a worker (green drain N), or use green drain --all, after which no worker is serving. To replace workers: green restart."),
            });
        return (command, ["green drain 2", "green drain --all"]);
    }

    private static int Drain(ToolHost host, ControlClient client, int worker)
    {
        var before = client.Ask(new ControlRequest { Command = "status" });
        if (before.Workers.FirstOrDefault(one => one.Index == worker) is not { State: WorkerPhase.Serving or WorkerPhase.Standby, Pid: { } pid })
        {
            return host.Fail(ExitCodes.Usage, $"{before.Name} has no worker {worker} that is serving or on standby: green status lists the workers.");
        }

        var progress = new WorkerProgress(host.Error);
        progress.Look(before);
        for (var now = client.Ask(new ControlRequest { Command = "drain", Worker = worker }); ; now = Progress.Look(host, client))
        {
            progress.Look(now);
            if (now.Workers.FirstOrDefault(one => one.Pid == pid) is not { } leaving)
            {
                host.Out.WriteLine($"{now.Name}: worker {worker} (pid {pid}) has exited; {now.Workers.Count(static one => one.State == WorkerPhase.Serving)} of {now.WorkersTarget} serving.");
                return ExitCodes.Ok;
            }

            if (leaving.State is WorkerPhase.Serving or WorkerPhase.Standby)
            {
                return host.Fail(ExitCodes.Unexpected, $"{now.Name} is {NoticeReporter.Name(now.State)}, so worker {worker} was not drained. Try again when it is running.");
            }

            host.Wait(Progress.LookAgainAfter);
        }
    }

    private static int DrainAll(ToolHost host, ControlClient client)
    {
        var progress = new Progress(host, client);
        for (var now = client.Ask(new ControlRequest { Command = "drain" }); ; now = Progress.Look(host, client))
        {
            progress.Show();
            if (now.Workers.Count == 0)
            {
                host.Out.WriteLine($"{now.Name} has no workers now; its sockets stay open. Start workers again with green reload.");
                return ExitCodes.Ok;
            }

            host.Wait(Progress.LookAgainAfter);
        }
    }
}
