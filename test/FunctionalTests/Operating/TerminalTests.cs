using FunctionalTests.Harness;

namespace FunctionalTests.Operating;

/// <summary>A user at a terminal: resizes the window, closes it, presses Ctrl+C.</summary>
public sealed class TerminalTests
{
    [Fact]
    public async Task A_resized_window_changes_nothing_and_a_closed_one_is_a_graceful_stop()
    {
        using var home = new TemporaryFolder();
        using var terminal = new Terminal();
        await using var green = ChildProgram.Start(
            "sh",
            terminal.Run("dotnet", Repo.Green, "run", "--name", "window", "-w", "2", "-b", "127.0.0.1:0", Repo.TestWorker),
            [new("RUNTIME_DIRECTORY", home.Path)],
            home.Path);
        var control = home.File("window.sock");
        var before = await Serving(control, terminal);
        var target = Target.Parse(before.Listeners[0].Endpoint);

        terminal.Resize(50, 100);
        terminal.Resize(40, 80);
        Kernel.Signal(green.Pid, Kernel.SIGTTIN);
        Kernel.Signal(green.Pid, Kernel.SIGTTOU);

        // After the signals, the same processes answer requests.
        var seen = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => target.Pid()));
        Assert.Subset(before.Workers.Select(static worker => worker.Pid!.Value).ToHashSet(), seen.ToHashSet());
        var after = await ControlClient.Status(control);
        Assert.Equal(before.Workers.Select(static worker => worker.Pid), after.Workers.Select(static worker => worker.Pid));
        Assert.All(after.Workers, static worker => Assert.Equal(WorkerPhase.Serving, worker.State));
        Assert.Equal(2, after.WorkersTarget);

        using var slow = await target.Ask("/slow?ms=2500");
        await Eventually.Get(
            "the request is in flight",
            () => ControlClient.Status(control),
            static status => status.Workers.Sum(static worker => worker.RequestsInFlight) == 1);
        terminal.Dispose();
        Assert.NotEmpty(await slow.Receive());
        Assert.Equal(0, await green.Exit());
        Assert.Empty(green.Living);
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    [Fact]
    public async Task Ctrl_C_of_dotnet_run_leaves_nothing_behind()
    {
        using var home = new TemporaryFolder();
        using var terminal = new Terminal();
        await using var run = ChildProgram.Start(
            "sh",
            terminal.Run(
                "dotnet", "run", "--no-build", "-c", Repo.Configuration, "--project", Repo.Path("samples/Hello"), "--",
                "--name", "hello", "-b", "127.0.0.1:0"),
            [new("RUNTIME_DIRECTORY", home.Path)]);
        var status = await Serving(home.File("hello.sock"), terminal);
        var answers = await AllAnswers(Target.Parse(status.Listeners[0].Endpoint));
        Assert.Contains(status.Workers, worker => answers.Contains($"{worker.Pid}", StringComparison.Ordinal));

        terminal.PressControlC();
        await run.Exit();
        Assert.Empty(run.Living.Select(Kernel.CommandLine));
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
        Assert.DoesNotContain("Unhandled", terminal.Screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_of_green_run_stops_at_once_though_a_request_is_in_flight()
    {
        using var home = new TemporaryFolder();
        using var terminal = new Terminal();
        await using var green = ChildProgram.Start(
            "sh",
            terminal.Run("dotnet", Repo.Green, "run", "--name", "c", "-w", "2", "--graceful-timeout", "1h", "-b", "127.0.0.1:0", Repo.TestWorker),
            [new("RUNTIME_DIRECTORY", home.Path)],
            home.Path);
        var status = await Serving(home.File("c.sock"), terminal);

        // Text from a client that the app prints can at most colour the terminal, not control it.
        var target = Target.Parse(status.Listeners[0].Endpoint);
        await target.Get("/print?lines=1&text=%1b%5b31mred%1b%5d0%3bowned%07");
        await Eventually.True("the line is shown", () => terminal.Screen.Contains("\e[31mred\\u001b]0;owned\\u0007 1\e[0m", StringComparison.Ordinal), () => terminal.Screen);
        Assert.DoesNotContain("\e]", terminal.Screen, StringComparison.Ordinal);
        using var slow = await target.Ask("/slow?ms=3600000");
        terminal.PressControlC();
        Assert.Equal(0, await green.Exit());
        Assert.Empty(green.Living);
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    private static Task<KestrelGreenTransport.Supervisor.Control.StatusDocument> Serving(string control, Terminal terminal) =>
        Eventually.Get(
            "two workers serve",
            () => ControlClient.Status(control),
            static status => status.Workers.Count == 2 && status.Workers.All(static worker => worker.State == WorkerPhase.Serving),
            () => terminal.Screen);

    private static async Task<string> AllAnswers(Target target) =>
        string.Concat(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => target.Get("/"))));
}
