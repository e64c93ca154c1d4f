using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Operating;

/// <summary><c>green top</c> in a terminal.</summary>
public sealed class TopTests
{
    [Fact]
    public async Task It_shows_the_workers_in_80_columns_takes_keys_and_leaves_the_terminal_as_it_was()
    {
        await using var green = GreenRun.Start(["-w", "1", "--heartbeat-interval", "100ms"]);
        var status = await green.Serving(1);
        using var terminal = new Terminal();
        terminal.Resize(24, 80);
        await using var top = ChildProgram.Start(
            "sh",
            terminal.Run("sh", "-c", "stty -g; dotnet \"$0\" top --name \"$1\"; echo left with $?; stty -g", Repo.Green, green.Name),
            [.. green.Environment, new("TERM", "xterm-256color")]);

        await Shows(terminal, $"{status.Workers[0].Pid} \\e\\[32mserving");
        await Shows(terminal, "is ready after ");
        terminal.Type("+");
        await green.Serving(2);
        await Shows(terminal, "2/2 serving");
        await Shows(terminal, "scale to 2: accepted");
        terminal.Type("r");
        await Shows(terminal, "restart worker 1\\? y to confirm");
        terminal.Type("n");
        await Shows(terminal, "cancelled");
        Assert.Equal(status.Workers[0].Pid, (await green.Status()).Workers[0].Pid);
        terminal.Type("q");
        await Shows(terminal, "left with 0");
        Assert.Equal(0, await top.Exit());

        // Back on the main screen, with the cursor shown and the settings as before.
        var screen = terminal.Screen;
        Assert.Matches(@"\e\[\?1049h\e\[\?25l[\s\S]*\e\[\?25h\e\[\?1049l", screen);
        var settings = Regex.Matches(screen, "(?m)^([0-9a-f]+(:[0-9a-f]+)+)\r?$").Select(static match => match.Groups[1].Value).ToList();
        Assert.Equal(2, settings.Count);
        Assert.Equal(settings[0], settings[1]);
        await green.StopCleanly();
    }

    [Fact]
    public async Task Its_keys_do_to_the_chosen_worker_what_they_say_and_to_no_other()
    {
        await using var green = GreenRun.Start(["-w", "3", "--heartbeat-interval", "100ms"]);
        var before = await green.Serving(3);
        using var terminal = new Terminal();
        terminal.Resize(24, 100);
        await using var top = ChildProgram.Start(
            "sh", terminal.Run("dotnet", Repo.Green, "top", "--name", green.Name), [.. green.Environment, new("TERM", "xterm-256color")]);
        await Shows(terminal, "3/3 serving");

        // Down to the second worker.
        terminal.Type("j");
        terminal.Type("x");
        await Shows(terminal, @"dump worker 2\? y to confirm");
        terminal.Type("y");
        await Shows(terminal, "dump worker 2: not saved, because --dump-on-stale is not set");
        terminal.Type("d");
        await Shows(terminal, @"drain worker 2\? y to confirm");
        terminal.Type("y");
        await Shows(terminal, "drain worker 2: accepted");
        var drained = await green.StatusWhen("worker 2 is replaced", status =>
            status.State == SupervisorPhase.Running && status.Workers.Count == 3 && status.Workers.All(worker => worker.State == WorkerPhase.Serving && worker.Pid != before.Workers[1].Pid));
        Assert.Contains(before.Workers[0].Pid, drained.Workers.Select(static worker => worker.Pid));
        Assert.Contains(before.Workers[2].Pid, drained.Workers.Select(static worker => worker.Pid));

        // It is gone, so the first worker is selected now.
        await Shows(terminal, @"was told to drain");
        terminal.Type("kkk");
        terminal.Type("r");
        await Shows(terminal, @"restart worker 1\? y to confirm");
        terminal.Type("y");
        await green.Replaced(drained.Workers[0], drained);
        terminal.Type("-");
        await green.Serving(2);
        terminal.Type("q");
        Assert.Equal(0, await top.Exit());
        await green.StopCleanly();
    }

    [Fact]
    public async Task Without_a_terminal_it_says_what_to_use_instead()
    {
        await using var top = await ChildProgram.Run("dotnet", [Repo.Green, "top"]);

        Assert.Equal(2, await top.Exit());
        Assert.Equal("green: top needs a terminal. For scripts use green status --json.", Assert.Single(top.ErrorLines));
    }

    private static Task<string> Shows(Terminal terminal, string pattern) => Eventually.Get(
        $"the terminal shows {pattern}", () => Task.FromResult(terminal.Screen), screen => Regex.IsMatch(screen, pattern), () => terminal.Screen);
}
