using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Settings;

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

            return ClientCommand.Talk(host, parsed, client => Operation.Run(host, client, new ControlRequest { Command = "scale", Workers = wanted.Workers }));
        });
        return (command, ["green scale 8", "green scale 2 --name shop"]);
    }
}
