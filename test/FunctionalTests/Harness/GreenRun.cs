using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Harness;

/// <summary>One supervisor with its own name, run-time folder and port, and everything that a test wants to know about it.</summary>
internal sealed class GreenRun : IAsyncDisposable
{
    private readonly TemporaryFolder _home;

    private GreenRun(TemporaryFolder home, ChildProgram process, string name)
    {
        _home = home;
        Process = process;
        Name = name;
    }

    public ChildProgram Process { get; }

    public string Name { get; }

    /// <summary>Holds the control socket and the heartbeat files; empty once the supervisor has exited.</summary>
    public string RuntimeDirectory => RuntimeDirectoryIn(_home);

    public string ControlSocket => Path.Combine(RuntimeDirectory, $"{Name}.sock");

    /// <summary>The variables that a `green` command needs in order to find this supervisor.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Environment => [new("RUNTIME_DIRECTORY", RuntimeDirectory)];

    /// <summary>Runs the test worker under <c>green run</c>, on a port chosen by the kernel unless the options bind.</summary>
    /// <param name="options">Options of <c>green run</c>.</param>
    /// <param name="app">An app to run instead of the test worker.</param>
    /// <param name="appArguments">Arguments of the app.</param>
    /// <param name="descriptors">How many descriptors each process may have.</param>
    /// <param name="bind">False lets the app say where to listen.</param>
    /// <param name="folder">The folder to start in; by default its own.</param>
    /// <param name="reachable">Whether other users may enter its folders.</param>
    /// <param name="wrapper">A command that runs the rest of its own command line.</param>
    /// <param name="green">A <c>green</c> to run instead of the one that was built.</param>
    /// <param name="environment">Variables for all processes.</param>
    public static GreenRun Start(
        string[] options,
        string? app = null,
        string[]? appArguments = null,
        int? descriptors = null,
        bool bind = true,
        string? folder = null,
        bool reachable = false,
        string[]? wrapper = null,
        string[]? green = null,
        params (string Name, string? Value)[] environment)
    {
        var name = $"t{Guid.NewGuid():N}"[..12];
        string[] binds = options.Contains("-b") || !bind ? [] : ["-b", "127.0.0.1:0"];
        string[] limit = descriptors is null ? [] : ["prlimit", $"--nofile={descriptors}"];
        return Launch(
            name, [.. wrapper ?? [], .. limit, .. green ?? ["dotnet", Repo.Green], "run", "--name", name, .. binds, .. options, app ?? Repo.TestWorker, .. appArguments ?? []],
            environment, folder, reachable);
    }

    /// <summary>Runs an app (a dll or an executable) that makes itself a supervisor.</summary>
    public static GreenRun StartApp(string app, string[] arguments, params (string Name, string? Value)[] environment) =>
        StartApp(app, arguments, folder: null, environment);

    /// <summary>The same, in a folder that contains its settings.</summary>
    public static GreenRun StartApp(string app, string[] arguments, string? folder, params (string Name, string? Value)[] environment)
    {
        var name = $"t{Guid.NewGuid():N}"[..12];
        string[] host = Path.GetExtension(app) == ".dll" ? ["dotnet"] : [];
        return Launch(name, [.. host, app, "--name", name, .. arguments], environment, folder);
    }

    public Task<StatusDocument> Status() => ControlClient.Status(ControlSocket);

    public Task<StatusDocument> StatusWhen(string what, Func<StatusDocument, bool> satisfies) =>
        Eventually.Get(
            what,
            () => Process.IsGone ? throw new InvalidOperationException("it is gone") : Status(),
            satisfies,
            Process.Describe);

    /// <summary>Waits until the supervisor has exactly this many workers, all serving.</summary>
    public Task<StatusDocument> Serving(int workers) =>
        StatusWhen(
            $"{workers} workers serve",
            status => status.State == SupervisorPhase.Running && status.Workers.Count == workers && status.Workers.All(static worker => worker.State == WorkerPhase.Serving));

    /// <summary>Waits until this worker is gone and another process is serving in its place; returns the new worker.</summary>
    /// <remarks>The index may differ: a replacement that starts before the old process is gone cannot have its index.</remarks>
    public async Task<WorkerStatus> Replaced(WorkerStatus victim, StatusDocument before)
    {
        var known = before.Workers.Select(static worker => worker.Pid).ToHashSet();
        var status = await StatusWhen(
            $"worker {victim.Index} (pid {victim.Pid}) is replaced",
            status => status.State == SupervisorPhase.Running
                && status.Workers.Count == before.Workers.Count
                && status.Workers.All(worker => worker.State == WorkerPhase.Serving && worker.Pid != victim.Pid));
        return Assert.Single(status.Workers, worker => !known.Contains(worker.Pid));
    }

    /// <summary>The address of the first listener.</summary>
    public async Task<Target> Target() => Harness.Target.Parse((await StatusWhen("it listens", static status => status.Listeners.Count > 0)).Listeners[0].Endpoint);

    /// <summary>Runs a <c>green</c> command for this supervisor, in this process.</summary>
    public Task<GreenCommand> Command(params string[] arguments) => GreenCommand.Run([.. arguments, "--name", Name], RuntimeDirectory);

    /// <summary>The same, where the program itself is tested.</summary>
    public Task<ChildProgram> Program(params string[] arguments) => ChildProgram.Run("dotnet", [Repo.Green, .. arguments, "--name", Name], Environment);

    /// <summary>Sends TERM; afterwards no trace may be left.</summary>
    public async Task StopCleanly(int signal = Kernel.SIGTERM)
    {
        Kernel.Signal(Process.Pid, signal);
        Assert.Equal(0, await Exit());
        AssertNothingLeft();
    }

    public Task<int> Exit() => Process.Exit();

    /// <summary>Waits until the first supervisor itself exits, even if a successor holds its output; returns its exit code.</summary>
    public Task<int> ExitOfFirst() => Process.ExitAlone();

    /// <summary>The folder that the supervisor was started in.</summary>
    public string Home => _home.Path;

    /// <summary>No process, no socket, no heartbeat file.</summary>
    public void AssertNothingLeft()
    {
        Assert.Empty(Process.Living.Select(Kernel.CommandLine));
        Assert.Empty(Directory.EnumerateFileSystemEntries(RuntimeDirectory));
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _home.Dispose();
    }

    private static GreenRun Launch(string name, string[] command, (string Name, string? Value)[] environment, string? folder = null, bool reachable = false)
    {
        var home = new TemporaryFolder();
        var runtime = Directory.CreateDirectory(RuntimeDirectoryIn(home)).FullName;
        if (reachable)
        {
            File.SetUnixFileMode(home.Path, (UnixFileMode)0b111_101_101);
            File.SetUnixFileMode(runtime, (UnixFileMode)0b111_101_101);
        }

        var process = ChildProgram.Start(
            command[0],
            command[1..],
            [new("RUNTIME_DIRECTORY", runtime), .. environment.Select(static one => KeyValuePair.Create(one.Name, one.Value))],
            folder ?? home.Path);
        return new GreenRun(home, process, name);
    }

    private static string RuntimeDirectoryIn(TemporaryFolder home) => home.File("run");
}
