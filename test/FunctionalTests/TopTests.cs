using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests;

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
        await Shows(terminal, "serves, ");
        terminal.Type("+");
        await green.Serving(2);
        await Shows(terminal, "2/2 serve");
        await Shows(terminal, "scale to 2: taken");
        terminal.Type("r");
        await Shows(terminal, "restart worker 1\\? y to do it");
        terminal.Type("n");
        await Shows(terminal, "left as it is");
        terminal.Type("q");
        await Shows(terminal, "left with 0");
        Assert.Equal(0, await top.Exit());

        // Back on the first screen, the cursor shown, the settings as before.
        var screen = terminal.Screen;
        Assert.Matches(@"\e\[\?1049h\e\[\?25l[\s\S]*\e\[\?25h\e\[\?1049l", screen);
        var settings = Regex.Matches(screen, "(?m)^([0-9a-f]+(:[0-9a-f]+)+)\r?$").Select(static match => match.Groups[1].Value).ToList();
        Assert.Equal(2, settings.Count);
        Assert.Equal(settings[0], settings[1]);
        await green.StopCleanly();
    }

    [Fact]
    public async Task Without_a_terminal_it_says_what_to_use_instead()
    {
        await using var top = await ChildProgram.Run("dotnet", [Repo.Green, "top"]);

        Assert.Equal(2, await top.Exit());
        Assert.Equal("green: top needs a terminal. For scripts there is green status --json.", Assert.Single(top.ErrorLines));
    }

    private static Task<string> Shows(Terminal terminal, string pattern) => Eventually.Get(
        $"the terminal shows {pattern}", () => Task.FromResult(terminal.Screen), screen => Regex.IsMatch(screen, pattern), () => terminal.Screen);
}
