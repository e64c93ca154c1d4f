using System.Text.Json;
using FunctionalTests.Harness;

namespace FunctionalTests.Deploying;

/// <summary>Users, files and processors: what the operating system sees of the supervisor and its workers.</summary>
public sealed class PrivilegeTests
{
    private const string Nobody = "65534";
    private const int SIGUSR1 = 10;

    [Fact]
    public async Task Workers_run_as_the_user_that_was_asked_for_and_the_supervisor_binds_what_only_root_may()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            await using var refused = GreenRun.Start(["-w", "1", "--user", "nobody"]);
            Assert.Equal(2, await refused.Exit());
            Assert.Contains("only root may start workers as another user", refused.Process.Output, StringComparison.Ordinal);
            return;
        }

        // Where user nobody may read it: the checkout itself may be closed to other users.
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Repo.TestWorker)!))
        {
            File.Copy(file, folder.File(Path.GetFileName(file)));
        }

        await using var green = GreenRun.Start(
            ["-w", "2", "--user", "nobody", "--before-start", "echo $(id -un) in $(pwd) with $USER; setpriv --reuid=0 --clear-groups true 2>/dev/null && echo root again || echo for good", "--chdir", folder.Path, "-b", $"unix:{folder.File("app.sock")}"],
            folder.File(Path.GetFileName(Repo.TestWorker)),
            reachable: true);
        var status = await green.Serving(2);
        foreach (var worker in status.Workers)
        {
            var facts = Status(worker.Pid!.Value);
            Assert.Equal([Nobody, Nobody, Nobody, Nobody], facts["Uid"]);
            Assert.All(facts["Gid"], static gid => Assert.NotEqual("0", gid));
            Assert.DoesNotContain("0", facts["Groups"]);
            Assert.Equal(["1"], facts["NoNewPrivs"]);
            Assert.All((string[])["CapPrm", "CapEff", "CapAmb"], set => Assert.Equal(["0000000000000000"], facts[set]));
        }

        Assert.All(Status(green.Process.Pid)["Uid"], static uid => Assert.Equal("0", uid));
        await green.Process.Line($"BeforeStart: nobody in {folder.Path} with nobody$");
        await green.Process.Line("BeforeStart: for good$");
        var environment = JsonDocument.Parse(await (await green.Target()).Get("/env")).RootElement;
        Assert.Equal("nobody", environment.GetProperty("USER").GetString());

        // The replacement of a dead worker runs as the same user, and sends heartbeats.
        Kernel.Signal(status.Workers[0].Pid!.Value, Kernel.SIGKILL);
        var next = await green.Replaced(status.Workers[0], status);
        Assert.Equal(Nobody, Status(next.Pid!.Value)["Uid"][0]);
        await green.StatusWhen("it beats", static now => now.Workers.All(static worker => worker.HeartbeatAgeSeconds is not null));

        // The supervisor's folder holds the lock on the name. Heartbeats, and files that the workers' runtime writes, are in the workers' own folders.
        var heartbeats = Path.Combine(green.RuntimeDirectory, $"green-0-{green.Name}");
        Assert.Equal((UnixFileMode)0b111_001_001, File.GetUnixFileMode(heartbeats));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.Combine(heartbeats, "workers")));
        var dumps = folder.File("dumps");
        await using var dump = await green.Command("dump", $"{next.Index}", "--kind", "mini", "--to", dumps);
        Assert.True(await dump.Exit() == 0, $"{dump.Describe()}\n{green.Process.Describe()}");
        Assert.EndsWith(".stacks.txt", Assert.Single(Directory.GetFiles(dumps)), StringComparison.Ordinal);
        Assert.EndsWith(".dmp", Assert.Single(Directory.GetFiles(Path.Combine(dumps, $"green-{green.Name}-workers"))), StringComparison.Ordinal);
        await green.StopCleanly();
    }

    [Fact]
    public async Task Umask_folder_variables_and_processors_are_the_workers()
    {
        using var folder = new TemporaryFolder();
        await using var green = GreenRun.Start(
            ["-w", "2", "--umask", "027", "--chdir", folder.Path, "--env", "SHOP=a,b;c=d", "--env", "OTHER=1", "--cpu-affinity", "1"]);
        var status = await green.Serving(2);
        var allowed = Processors(Environment.ProcessId);
        foreach (var worker in status.Workers)
        {
            var pid = worker.Pid!.Value;
            Assert.Equal(["0027"], Status(pid)["Umask"]);
            Assert.Equal(folder.Path, new FileInfo($"/proc/{pid}/cwd").LinkTarget);
            Assert.Equal([allowed[(worker.Index - 1) % allowed.Count]], Processors(pid));
        }

        Assert.Equal(allowed, Processors(green.Process.Pid));
        var environment = JsonDocument.Parse(await (await green.Target()).Get("/env")).RootElement;
        Assert.Equal("a,b;c=d", environment.GetProperty("SHOP").GetString());
        Assert.Equal("1", environment.GetProperty("OTHER").GetString());
        await green.StopCleanly();
    }

    [Fact]
    public async Task The_pid_file_keeps_a_second_supervisor_out_and_goes_at_the_end()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("green.pid");
        await using var green = GreenRun.Start(["-w", "1", "--pid-file", path]);
        await green.Serving(1);
        Assert.Equal($"{green.Process.Pid}\n", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));

        await using var second = GreenRun.Start(["-w", "1", "--pid-file", path]);
        Assert.Equal(2, await second.Exit());
        Assert.Contains($"(pid {green.Process.Pid})", second.Process.Output, StringComparison.Ordinal);
        await green.StopCleanly();
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Everything_is_written_to_the_log_file_and_USR1_opens_it_anew()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("green.log");
        await using var green = GreenRun.Start(["-w", "1", "--log-file", path]);
        var status = await green.Serving(1);
        var target = await green.Target();
        await target.Get("/print?lines=1&text=before");
        await Eventually.True("the line is in the file", () => Contains(path, "[worker 1] before 1"), green.Process.Describe);
        File.Move(path, path + ".1");
        Kernel.Signal(green.Process.Pid, SIGUSR1);
        await Eventually.True("there is a new file", () => File.Exists(path), green.Process.Describe);
        await target.Get("/print?lines=1&text=after");
        await Eventually.True("the line is in the new file", () => Contains(path, "[worker 1] after 1"), green.Process.Describe);
        Assert.Contains($"worker 1 (pid {status.Workers[0].Pid}) is ready", await File.ReadAllTextAsync(path + ".1", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await green.StopCleanly();
        Assert.Equal("", green.Process.Output);
        Assert.True(Contains(path, "all workers have exited"));
    }

    private static bool Contains(string path, string text) => File.ReadAllText(path).Contains(text, StringComparison.Ordinal);

    private static Dictionary<string, string[]> Status(int pid) => File.ReadLines($"/proc/{pid}/status")
        .Select(static line => line.Split(':', 2))
        .ToDictionary(static pair => pair[0], static pair => pair[1].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static List<int> Processors(int pid) =>
    [
        .. Status(pid)["Cpus_allowed_list"][0].Split(',').SelectMany(static range =>
        {
            var ends = range.Split('-').Select(int.Parse).ToArray();
            return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
        }),
    ];
}
