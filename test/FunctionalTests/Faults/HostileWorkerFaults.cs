using System.Globalization;
using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Dumps;

namespace FunctionalTests.Faults;

/// <summary>
/// Attacks by a worker on a supervisor that runs as root; the worker really runs as another user. Besides the checks of every row,
/// nothing outside the run-time folder may be created, changed or deleted: a folder of root's, the app's files and /etc must be
/// the same afterwards. Only root can start such a cluster.
/// </summary>
internal static class HostileWorkerFaults
{
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;

    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(5);

    private static readonly FaultSetup Confined = new(2) { User = "nobody" };

    public static IReadOnlyList<Fault> All { get; } = Environment.IsPrivilegedProcess
        ?
        [
            new("hostile-signals", static scene => Guarded(scene, static (it, _, _) => SendsSignals(it))) { Setup = Confined },
            new("hostile-messages", static scene => Guarded(scene, static (it, _, _) => SendsNonsense(it))) { Setup = Confined, Said = "sent a packet that violates the worker contract: ageMs is" },
            new("hostile-binds-when-ready", static scene => Guarded(scene, AsksWhenReady)) { Setup = Confined, Said = "workers of another user get sockets only while they start" },
            new("hostile-dumps", static scene => Guarded(scene, LaysTrapsForDumps)) { Setup = Confined, Said = "another one has taken the place of its diagnostics port" },
            new("hostile-files", static scene => Guarded(scene, LaysTrapsForFiles)) { Setup = Confined },
            new("hostile-leftovers", static scene => Guarded(scene, LaysTrapsForBuilds)) { Setup = Confined, InTests = null },
            new("hostile-binds-at-boot", static scene => Guarded(scene, AsksAtBoot)) { Setup = Confined, Said = "worker [0-9]+ .* asked for a socket and was refused" },
        ]
        : [];

    // Processes are started in the meantime, which a thread of the workers' user used to do.
    private static async Task SendsSignals(FaultScene scene)
    {
        scene.EveryoneIsAVictim();
        var supervisor = scene.Before.SupervisorPid;
        var restart = scene.Green.Command("restart");
        do
        {
            Assert.Equal("", await scene.App.Get($"/hostile/signals?pid={supervisor}"));
            Assert.All(Directory.EnumerateDirectories($"/proc/{supervisor}/task"), static thread => Assert.All(UidsOf(thread), static uid => Assert.Equal("0", uid)));
        }
        while (!restart.IsCompleted);

        await using var command = await restart;
        Assert.True(await command.Exit() == 0, command.Describe());
        var after = await scene.Green.Serving(scene.Before.Workers.Count);
        Assert.Equal(supervisor, after.SupervisorPid);
        Assert.All(after.Workers, static worker => Assert.Equal($"{worker.Pid}", SessionOf(worker.Pid!.Value)));
    }

    private static async Task SendsNonsense(FaultScene scene)
    {
        string[] packets =
        [
            """{"type":"slowRequest","method":"GET","path":"/","ageMs":9223372036854775807}""",
            """{"type":"inFlight","id":1,"inFlight":[null]}""",
            """{"type":"stats","requests":9223372036854775807,"failed":-1,"durationNs":9223372036854775807,"buckets":[9223372036854775807]}""",
            """{"type":"beat","state":99,"at":-9223372036854775808}""",
            $$"""{"type":"bind","id":1,"endpoint":"unix:/tmp/{{new string('x', 200)}}"}""",
            """{"type":"bind","id":2,"endpoint":"unix:/tmp/green\u0000nul"}""",
            """{"type":"warmed","message":null}""",
            """{"type":null}""",
            "null",
            "[",
            .. Enumerable.Repeat("""{"type":"hello"}""", 20_000),
        ];
        await File.WriteAllLinesAsync(scene.Folder.File("nonsense"), packets);
        Assert.Equal("", await scene.App.Get($"/hostile/say?file={scene.Folder.File("nonsense")}"));
        await scene.NobodyWasEnded();
    }

    private static async Task AsksWhenReady(FaultScene scene, string roots, string theirs)
    {
        await File.WriteAllLinesAsync(scene.Folder.File("asks"), [Bind(1, $"unix:{theirs}/d/new"), Bind(2, $"unix:{roots}/new"), Bind(3, "tcp://127.0.0.1:0")]);
        Assert.Equal("", await scene.App.Get($"/hostile/say?file={scene.Folder.File("asks")}"));
        await scene.WaitForLog("get sockets only while they start");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(theirs, "d")));
        Assert.Single((await scene.Green.Status()).Listeners);
        await scene.NobodyWasEnded();
    }

    // The worker asks for a path of root's, a port of root's, an invalid address, and root's own file through a folder of its
    // own that becomes a link.
    private static async Task AsksAtBoot(FaultScene scene, string roots, string theirs)
    {
        scene.EveryoneIsAVictim();
        string[] packets =
        [
            Bind(1001, $"unix:{roots}/new"), Bind(1002, "tcp://127.0.0.1:7"), Bind(1003, $"unix:{theirs}/d/precious"),
            .. Enumerable.Range(2000, 30).Select(static id => Bind(id, "tcp://[::1]:99999")),
        ];
        await File.WriteAllLinesAsync(scene.Folder.File("at-boot"), packets);
        await Restart(scene);
        var now = await scene.Green.Status();
        Assert.Equal([$"unix:{theirs}/d/precious"], now.Listeners.Select(static listener => listener.Endpoint).Except(scene.Before.Listeners.Select(static listener => listener.Endpoint)));
        Assert.True(File.Exists(Path.Combine(theirs, "d", "precious")));

        Directory.Move(Path.Combine(theirs, "d"), Path.Combine(theirs, "before"));
        Directory.CreateSymbolicLink(Path.Combine(theirs, "d"), roots);
        File.Delete(scene.Folder.File("at-boot"));
        await Restart(scene);
        await scene.Green.StatusWhen("what no worker asks for any more is closed", static status => status.Listeners.Count == 1);

        // The socket's own file is deleted, wherever its folder is by now.
        await Eventually.True("the socket's file is removed", () => !File.Exists(Path.Combine(theirs, "before", "precious")), scene.Green.Process.Describe);
    }

    // Links to root's own file in the places of the next reports; then a socket of the worker's in the place of its sibling's
    // diagnostics port.
    private static async Task LaysTrapsForDumps(FaultScene scene, string roots, string theirs)
    {
        var (hostile, sibling) = (scene.Before.Workers[0], scene.Before.Workers[1]);
        await using var worker = await scene.ConnectTo(hostile);
        var reports = Path.Combine(scene.Green.RuntimeDirectory, FaultHoldings.WorkersFolder(scene.Green));
        string[] links = [.. Enumerable.Range(1, 100).Select(number => Path.Combine(reports, $"stacks-{number}.crashreport.json"))];
        foreach (var link in links)
        {
            Assert.Equal("", await worker.Get($"/hostile/link?at={link}&to={roots}/precious"));
        }

        Assert.DoesNotContain("root's own", await NotDumped(scene, sibling), StringComparison.Ordinal);
        Array.ForEach(links, File.Delete);

        // A killed process with this pid may have left its own port there.
        var port = new DiagnosticsPort(sibling.Pid!.Value, 0, Path.GetTempPath()).PortPath!;
        Assert.True(File.Exists(port), port);
        Assert.Equal("", await worker.Get($"/hostile/port?path={port}"));
        Assert.Contains("is not the worker", await NotDumped(scene, sibling), StringComparison.Ordinal);
        Assert.Equal("", await worker.Get("/hostile/release"));
        File.Delete(port);
        await scene.NobodyWasEnded();
    }

    private static async Task<string> NotDumped(FaultScene scene, WorkerStatus worker)
    {
        await using var dump = await scene.Green.Command("dump", $"{worker.Index}");
        Assert.NotEqual(0, await dump.Exit());
        return dump.Output;
    }

    // Where another supervisor of root's, told to use a folder of theirs, puts its log, its pid file and its dumps. Also locks on
    // what a killed supervisor left.
    private static async Task LaysTrapsForFiles(FaultScene scene, string roots, string theirs)
    {
        await using var worker = await scene.ConnectTo(scene.Before.Workers[0]);
        var open = Path.Combine(theirs, "d");
        foreach (var (option, name) in new[] { ("--log-file", "log"), ("--pid-file", "pid"), ("--dump-on-stale", "dumps") })
        {
            var link = Path.Combine(open, name);
            Assert.Equal("", await worker.Get($"/hostile/link?at={link}&to={roots}{(name == "dumps" ? "" : "/precious")}"));
            await using var refused = GreenRun.Start(["-w", "1", option, link]);
            Assert.NotEqual(0, await refused.Exit());
            Assert.Contains(link, refused.Process.Output, StringComparison.Ordinal);
            refused.AssertNothingLeft();
        }

        Assert.Equal("open: 13", await worker.Get($"/hostile/lock?path={scene.Green.RuntimeDirectory}/{FaultHoldings.HeartbeatFolder(scene.Green)}"));
        var pid = scene.Folder.File("pid");
        await File.WriteAllTextAsync(pid, "1\n");
        Assert.Equal("", await worker.Get($"/hostile/lock?path={pid}"));
        await using (var next = GreenRun.Start(["-w", "1", "--pid-file", pid]))
        {
            var status = await next.Serving(1);
            Assert.Equal($"{status.SupervisorPid}", (await File.ReadAllTextAsync(pid)).Trim());
            await next.StopCleanly();
        }

        Assert.False(File.Exists(pid));
        Assert.Equal("", await worker.Get("/hostile/release"));
        await scene.NobodyWasEnded();
    }

    // A folder that looks like one left by a killed supervisor, where another supervisor of root's builds.
    private static async Task LaysTrapsForBuilds(FaultScene scene, string roots, string theirs)
    {
        var temporary = Directory.CreateDirectory(Path.Combine(theirs, "tmp")).FullName;
        File.SetUnixFileMode(temporary, Everybody | UnixFileMode.StickyBit);
        var leftover = Path.Combine(temporary, "green-build-0123456789ab");
        Assert.Equal("", await scene.App.Get($"/hostile/leftover?at={leftover}&to={roots}"));

        var project = Directory.CreateDirectory(scene.Folder.File("shop")).FullName;
        await WebProject.Write(project);
        await using (var next = GreenRun.Start(["-w", "1"], app: project, environment: ("TMPDIR", temporary)))
        {
            await next.Process.Lines("worker 1 .* is ready", 1, BuildLimit);
            await next.StopCleanly();
        }

        Assert.Equal([leftover], Directory.EnumerateDirectories(temporary, "green-build-*"));
        Assert.Equal(roots, new FileInfo(Path.Combine(leftover, "1")).LinkTarget);
        Directory.Delete(project, recursive: true);
    }

    private static async Task Restart(FaultScene scene)
    {
        await using var restart = await scene.Green.Command("restart");
        Assert.True(await restart.Exit() == 0, restart.Describe());
    }

    private static async Task Guarded(FaultScene scene, Func<FaultScene, string, string, Task> strike)
    {
        var roots = Directory.CreateDirectory(scene.Folder.File("roots")).FullName;
        var theirs = Directory.CreateDirectory(scene.Folder.File("theirs")).FullName;
        Directory.CreateDirectory(Path.Combine(theirs, "d"));
        File.SetUnixFileMode(Path.Combine(theirs, "d"), Everybody);
        await File.WriteAllTextAsync(Path.Combine(roots, "precious"), "root's own");
        var before = Snapshot(scene, roots);
        await strike(scene, roots, theirs);
        var after = Snapshot(scene, roots);
        Assert.Equal(before.Except(after), after.Except(before));
        Directory.Delete(theirs, recursive: true);
        Directory.Delete(roots, recursive: true);
    }

    // A folder's time shows whether something was created or deleted in it.
    private static HashSet<string> Snapshot(FaultScene scene, string roots)
    {
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        return
        [
            .. Directory.EnumerateFiles(roots).Select(static file => $"{Describe(file)} {File.ReadAllText(file)}"),
            .. Directory.EnumerateFiles(scene.Folder.Path, "*.dll").Select(Describe),
            .. Directory.EnumerateFileSystemEntries("/etc", "*", all).Append("/etc").Append(roots).Select(Describe),
        ];
    }

    private static string Describe(string path) => $"{path} {File.GetUnixFileMode(path)} {File.GetLastWriteTimeUtc(path):O}";

    private static string Bind(int id, string endpoint) => string.Create(CultureInfo.InvariantCulture, $$"""{"type":"bind","id":{{id}},"endpoint":"{{endpoint}}"}""");

    private static string[] UidsOf(string task)
    {
        try
        {
            return File.ReadLines(Path.Combine(task, "status")).First(static line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t', StringSplitOptions.RemoveEmptyEntries)[1..];
        }
        catch (IOException)
        {
            // The thread has ended since it was listed.
            return [];
        }
    }

    private static string SessionOf(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3];
    }
}
