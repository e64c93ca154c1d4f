using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green scale</c>: returns when that many workers serve, or when it is clear that they will not.</summary>
internal static class ScaleCommand
{
    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var number = new Argument<string>("N") { Description = $"Number of workers: {SettingsCatalogue.Workers.Range}." };
        var command = new Command("scale", "Set the number of workers and wait until all are serving. It lasts until the supervisor stops.") { number };
        command.SetAction(parsed =>
        {
            var text = parsed.GetRequiredValue(number);
            var wanted = new GreenSupervisorOptions();
            if (SettingsCatalogue.Workers.Take(wanted, text) is { } error)
            {
                return host.Fail(ExitCodes.Usage, $"N ('{text}') {error}.");
            }

            return ClientCommand.Talk(host, parsed, client => Scale(host, client, wanted.Workers));
        });
        return (command, ["green scale 8", "green scale 2 --name shop"]);
    }

    private static int Scale(ToolHost host, ControlClient client, int wanted)
    {
        var taken = client.Ask(new ControlRequest { Command = "scale", Workers = wanted });
        var deathsBefore = Deaths(taken);
        var progress = new WorkerProgress(host.Error);
        for (var now = taken; ; now = Progress.Look(host, client))
        {
            progress.Look(now);
            if (now.State == "stopping")
            {
                return host.Fail(ExitCodes.Unexpected, $"{now.Name} is stopping.");
            }

            if (now.WorkersTarget != wanted)
            {
                return host.Fail(ExitCodes.Unexpected, $"{now.Name} was scaled to {now.WorkersTarget} by another command in the meantime.");
            }

            if (now.Workers.Count(static worker => worker.State == "serving") == wanted && now.Workers.All(static worker => worker.State is "serving" or "standby"))
            {
                host.Out.WriteLine($"{now.Name} is serving with {wanted} {(wanted == 1 ? "worker" : "workers")}.");
                return ExitCodes.Ok;
            }

            var failed = now.Workers.FirstOrDefault(worker => worker.State is not ("serving" or "standby") && worker.Restarts > deathsBefore.GetValueOrDefault(worker.Index));
            if (failed is { LastExit: { } exit })
            {
                return host.Fail(
                    ExitCodes.Unexpected,
                    $"worker {failed.Index} does not start: {StatusView.How(exit)}. The supervisor keeps trying; "
                    + $"{now.Workers.Count(static worker => worker.State == "serving")} of {wanted} serving. See the reason: green status {failed.Index}.");
            }

            host.Wait(Progress.LookAgainAfter);
        }
    }

    private static Dictionary<int, int> Deaths(StatusDocument status) =>
        status.Workers.ToDictionary(static worker => worker.Index, static worker => worker.Restarts);
}
