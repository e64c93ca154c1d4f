using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Harness;

/// <summary>One supervisor with its own name, run-time folder and port, and everything that a test wants to know of it.</summary>
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

    /// <summary>Holds the control socket and the heartbeat files, and nothing once the supervisor is gone.</summary>
    public string RuntimeDirectory => RuntimeDirectoryIn(_home);

    public string ControlSocket => Path.Combine(RuntimeDirectory, $"{Name}.sock");

    /// <summary>The variables that a `green` command needs in order to find this supervisor.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Environment => [new("RUNTIME_DIRECTORY", RuntimeDirectory)];

    /// <summary>Runs the test worker under <c>green run</c>, on a port that the kernel chooses unless the options bind.</summary>
    public static GreenRun Start(string[] options, string? app = null, string[]? appArguments = null, params (string Name, string? Value)[] environment)
    {
        var name = $"t{Guid.NewGuid():N}"[..12];
        string[] bind = options.Contains("-b") ? [] : ["-b", "127.0.0.1:0"];
        return Launch(
            name, [Repo.Green, "run", "--name", name, .. bind, .. options, app ?? Repo.TestWorker, .. appArguments ?? []], environment);
    }

    /// <summary>Runs an app that makes itself a supervisor.</summary>
    public static GreenRun StartApp(string app, string[] arguments, params (string Name, string? Value)[] environment)
    {
        var name = $"t{Guid.NewGuid():N}"[..12];
        return Launch(name, [app, "--name", name, .. arguments], environment);
    }

    public Task<StatusDocument> Status() => ControlClient.Status(ControlSocket);

    public Task<StatusDocument> StatusWhen(string what, Func<StatusDocument, bool> satisfies) =>
        Eventually.Get(
            what,
            () => Process.Living.Count == 0 ? throw new InvalidOperationException("it is gone") : Status(),
            satisfies,
            Process.Describe);

    /// <summary>Waits until the supervisor runs with exactly this many workers, all serving.</summary>
    public Task<StatusDocument> Serving(int workers) =>
        StatusWhen(
            $"{workers} workers serve",
            status => status.State == "running" && status.Workers.Count == workers && status.Workers.All(static worker => worker.State == "serving"));

    /// <summary>Waits until the place of this worker is held by another process that serves.</summary>
    public async Task<WorkerStatus> Replaced(WorkerStatus worker)
    {
        var status = await StatusWhen(
            $"worker {worker.Index} (pid {worker.Pid}) is replaced",
            status => status.State == "running"
                && status.Workers.SingleOrDefault(one => one.Index == worker.Index) is { State: "serving" } now
                && now.Pid != worker.Pid);
        return status.Workers.Single(one => one.Index == worker.Index);
    }

    /// <summary>Where the first listener can be reached.</summary>
    public async Task<Target> Target() => Harness.Target.Parse((await StatusWhen("it listens", static status => status.Listeners.Count > 0)).Listeners[0].Endpoint);

    /// <summary>Runs another <c>green</c> command for this supervisor.</summary>
    public async Task<ChildProgram> Command(params string[] arguments)
    {
        var command = ChildProgram.Start("dotnet", [Repo.Green, .. arguments, "--name", Name], Environment);
        await command.Exit();
        return command;
    }

    /// <summary>TERM, and then no trace may be left.</summary>
    public async Task StopCleanly(int signal = Kernel.SIGTERM)
    {
        Kernel.Signal(Process.Pid, signal);
        Assert.Equal(0, await Exit());
        AssertNothingLeft();
    }

    public Task<int> Exit() => Process.Exit();

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

    private static GreenRun Launch(string name, string[] command, (string Name, string? Value)[] environment)
    {
        var home = new TemporaryFolder();
        var runtime = Directory.CreateDirectory(RuntimeDirectoryIn(home)).FullName;
        var process = ChildProgram.Start(
            "dotnet",
            command,
            [new("RUNTIME_DIRECTORY", runtime), .. environment.Select(static one => KeyValuePair.Create(one.Name, one.Value))],
            home.Path);
        return new GreenRun(home, process, name);
    }

    private static string RuntimeDirectoryIn(TemporaryFolder home) => home.File("run");
}
