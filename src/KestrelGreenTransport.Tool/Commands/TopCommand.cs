using System.CommandLine;
using KestrelGreenTransport.Supervisor;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Tool.Rendering;
using KestrelGreenTransport.Tool.Top;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary><c>green top</c>: the workers, live.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // A dump usually takes a second; the screen is not updated meanwhile.
    private static readonly TimeSpan DumpLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan KeysEvery = TimeSpan.FromMilliseconds(50);

    public static (Command Command, string[] Examples) Create(ToolHost host)
    {
        var command = new Command("top", "Watch the workers live: load, latency, memory and events; with keys to restart, drain, dump and scale.");
        command.SetAction(parsed => host.IsTerminal && !Console.IsInputRedirected
            ? ClientCommand.Talk(host, parsed, client => Run(host, client))
            : host.Fail(ExitCodes.Usage, "top needs a terminal. For scripts use green status --json."));
        return (command, ["green top", "green top --name shop"]);
    }

    private static int Run(ToolHost host, ControlClient client)
    {
        // Before the screen changes, so that an error (no supervisor, say) appears on the normal screen.
        var (model, after) = Look(client, new TopModel(), 0);
        using var terminal = new TopTerminal(host.Out is TerminalWriter careful ? careful.Terminal : host.Out);
        var nextLook = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (TimeProvider.System.GetElapsedTime(nextLook) >= LookEvery)
            {
                nextLook = TimeProvider.System.GetTimestamp();
                (model, after) = TryLook(client, model, after);
            }

            var (width, height) = TopTerminal.Size;
            terminal.Show(TopScreen.Draw(model, width, height, PlainConsole.IsColoured(host)));
            while (TimeProvider.System.GetElapsedTime(nextLook) < LookEvery)
            {
                if (terminal.IsEnding)
                {
                    return ExitCodes.Interrupted;
                }

                if (TopTerminal.Key() is { } key)
                {
                    var (pressed, request) = model.Press(key);
                    model = request is null ? pressed : pressed with { Message = Do(client, request) };
                    if (model.IsLeaving)
                    {
                        return key.KeyChar == '\u0003' ? ExitCodes.Interrupted : ExitCodes.Ok;
                    }

                    break;
                }

                host.Wait(KeysEvery);
            }
        }
    }

    private static (TopModel Model, long After) Look(ControlClient client, TopModel model, long after)
    {
        var figures = client.Ask(new ControlRequest { Command = "figures" }, static response => response.Figures);
        var events = client.Ask(new ControlRequest { Command = "events", After = after, Last = 100 }, static response => response.Lines is null ? null : response);
        return (model.Look(figures, events.Lines!), events.Next ?? after);
    }

    private static (TopModel Model, long After) TryLook(ControlClient client, TopModel model, long after)
    {
        try
        {
            return Look(client, model, after);
        }
        catch (ControlException failed)
        {
            return (model with { Message = failed.Message }, after);
        }
    }

    private static string Do(ControlClient client, ControlRequest request)
    {
        var what = $"{request.Command}{(request.Worker is { } worker ? $" worker {worker}" : request.Workers is { } workers ? $" to {workers}" : "")}";
        try
        {
            var answer = (request.Command == "dump" ? client.WithLimit(DumpLimit) : client).Ask(request, static response => response);
            return answer.Dump switch
            {
                null => $"{what}: accepted",
                { Files: [var file, ..] } => $"{what}: saved in {file}",

                // There is no room for stacks on this screen.
                _ => $"{what}: not saved, because --dump-on-stale is not set; green dump {request.Worker} shows it",
            };
        }
        catch (ControlException failed)
        {
            return $"{what}: {failed.Message}";
        }
    }
}
