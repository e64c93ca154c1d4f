using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Operating;

/// <summary>Workers' output arrives in whole lines, with the worker's name, down to the last line.</summary>
public sealed class OutputTests(OutputTests.OneWorker shared) : IClassFixture<OutputTests.OneWorker>
{
    [Fact]
    public async Task Ten_thousand_lines_of_a_worker_that_exits_right_after_all_arrive()
    {
        var green = await shared.Take();
        var before = await green.Status();
        var victim = before.Workers[0];
        using var asked = await (await green.Target()).Ask("/print-exit?lines=10000&text=number&code=1");
        await green.Replaced(victim, before);

        await green.Process.Line("number 10000$");
        var expected = Enumerable.Range(1, 10_000).Select(number => string.Create(CultureInfo.InvariantCulture, $"[worker {victim.Index}] number {number}"));
        Assert.Equal(expected, green.Process.OutputLines.Where(static line => line.Contains("number", StringComparison.Ordinal)));
        await shared.GiveBack();
    }

    [Fact]
    public async Task Lines_of_two_workers_that_print_at_once_are_never_mixed()
    {
        await using var green = GreenRun.Start(["-w", "2", "--worker-connections", "1"]);
        await green.Serving(2);
        var target = await green.Target();
        var text = new string('x', 500);
        await Task.WhenAll(target.Get($"/print?lines=3000&text=a{text}"), target.Get($"/print?lines=3000&text=b{text}"));
        await green.StopCleanly();

        var lines = green.Process.OutputLines.Where(static line => line.Contains("xxx", StringComparison.Ordinal)).ToArray();
        Assert.Equal(6000, lines.Length);
        Assert.All(lines, line => Assert.Matches($"^\\[worker [12]\\] [ab]{text} [0-9]+$", line));
        foreach (var letter in "ab")
        {
            var numbers = lines.Select(line => Regex.Match(line, $"\\] {letter}x+ ([0-9]+)$")).Where(static match => match.Success);
            Assert.Equal(Enumerable.Range(1, 3000), numbers.Select(static match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)));
        }
    }

    [Fact]
    public async Task A_line_without_an_end_is_shown_when_its_worker_is_gone()
    {
        var green = await shared.Take();
        var before = await green.Status();
        var victim = before.Workers[0];
        await (await green.Target()).Get("/print-partial?text=half%20a%20line");
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await green.Replaced(victim, before);
        Assert.Equal($"[worker {victim.Index}] half a line", await green.Process.Line("half a line"));
        await shared.GiveBack();
    }

    [Fact]
    public async Task As_JSON_every_line_is_an_object_and_green_logs_remembers_them()
    {
        await using var green = GreenRun.Start(["-w", "1", "--log-format", "json"]);
        var before = await green.Serving(1);
        var victim = before.Workers[0];
        await (await green.Target()).Get("/print?lines=2&text=line");
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        var index = (await green.Replaced(victim, before)).Index;
        await green.Process.Line("WorkerDied");
        await green.Process.Line("line 2");

        await using var logs = await green.Command("logs", "-n", "100");
        await using var followed = ChildProgram.Start("dotnet", [Repo.Green, "logs", $"{index}", "-f", "--name", green.Name], green.Environment);
        await followed.Line(" is ready after ");
        await green.StopCleanly();

        Assert.Contains("[worker 1] line 2", logs.OutputLines);
        Assert.Contains(logs.OutputLines, line => line.Contains($"worker {victim.Index} (pid {victim.Pid}) was killed by SIGKILL", StringComparison.Ordinal));
        Assert.Equal(0, await followed.Exit());
        var lines = green.Process.OutputLines.Concat(green.Process.ErrorLines).Select(static line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Contains(lines, static line => line.TryGetProperty("stream", out var stream) && stream.GetString() == "stdout" && line.GetProperty("message").GetString() == "line 2");
        Assert.Contains(lines, line => line.TryGetProperty("id", out var id) && id.GetInt32() == 201 && line.GetProperty("pid").GetInt32() == victim.Pid);
    }

    [Fact]
    public async Task Much_output_neither_stops_the_worker_nor_the_supervisor()
    {
        var green = await shared.Take();
        var worker = (await green.Status()).Workers[0];
        await (await green.Target()).Get("/print-megabytes?mb=20");
        var status = await green.Status();
        Assert.Equal((worker.Pid, worker.Restarts), (status.Workers[0].Pid, status.Workers[0].Restarts));
        await shared.GiveBack();
    }

    /// <summary>One worker, which prints and dies in the tests that share it.</summary>
    public sealed class OneWorker() : SharedRun(workers: 1)
    {
        private protected override GreenRun Start() => GreenRun.Start(["-w", "1"]);
    }
}
