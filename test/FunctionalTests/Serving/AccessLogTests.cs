using System.Text.Json;
using FunctionalTests.Harness;

namespace FunctionalTests.Serving;

/// <summary>Several workers, one access log.</summary>
public sealed class AccessLogTests
{
    [Fact]
    public async Task Workers_share_a_file_that_USR1_opens_anew_and_every_request_is_in_it_once()
    {
        using var folder = new TemporaryFolder();
        var (file, rotated) = (folder.File("access.log"), folder.File("access.log.1"));
        var logFile = folder.File("green.log");

        // Workers start in a different folder than the one that the path is relative to.
        Directory.CreateDirectory(folder.File("elsewhere"));
        await using var green = GreenRun.Start(
            ["-w", "2", "--worker-connections", "2", "--access-log", "access.log", "--access-log-format", "json", "--chdir", folder.File("elsewhere"), "--log-file", logFile],
            folder: folder.Path);
        await green.Serving(2);
        var target = await green.Target();
        await Ask(target, 0, 200);
        File.Move(file, rotated);
        Kernel.Signal(green.Process.Pid, Kernel.SIGUSR1);
        await Eventually.True("the file is opened anew", () => File.Exists(file));
        await Ask(target, 200, 200);
        await Eventually.Get("both workers write to the new file", async () =>
        {
            await Ask(target, 400, 4);
            return Entries(file).Select(static entry => entry.GetProperty("worker").GetInt32()).Distinct().Count();
        }, static workers => workers == 2);
        await green.StopCleanly();

        var entries = Entries(rotated).Concat(Entries(file)).ToList();
        Assert.All(Enumerable.Range(0, 400), number => Assert.Single(entries, entry => entry.GetProperty("query").GetString() == $"?n={number}"));
        Assert.All(entries, static entry => Assert.Equal(200, entry.GetProperty("status").GetInt32()));
        Assert.DoesNotContain("/pid", await File.ReadAllTextAsync(logFile), StringComparison.Ordinal);

        static Task Ask(Target target, int from, int count) => Task.WhenAll(Enumerable.Range(0, 4).Select(async part =>
        {
            for (var number = from + part; number < from + count; number += 4)
            {
                await target.Get($"/pid?n={number}");
            }
        }));

        static IEnumerable<JsonElement> Entries(string file) => File.ReadAllLines(file).Select(static line => JsonDocument.Parse(line).RootElement);
    }

    [Fact]
    public async Task On_standard_output_lines_are_as_their_readers_know_them_and_push_nothing_out_of_green_logs()
    {
        await using var green = GreenRun.Start(["-w", "1", "--access-log", "-"]);
        await green.Serving(1);
        await (await green.Target()).Get("/pid");
        await using var logs = await green.Command("logs");
        await green.StopCleanly();

        Assert.Single(green.Process.OutputLines, static line => System.Text.RegularExpressions.Regex.IsMatch(line, """^127\.0\.0\.1 - - \[[^]]+\] "GET /pid HTTP/1\.1" 200 [0-9]+ "-" "-"$"""));
        Assert.DoesNotContain(logs.OutputLines, static line => line.Contains("GET /pid", StringComparison.Ordinal));
    }
}
