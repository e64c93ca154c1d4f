using FunctionalTests.Harness;

namespace FunctionalTests.Deploying;

/// <summary>Sockets that systemd bound, for a supervisor and for a worker without a supervisor.</summary>
public sealed class SystemdTests
{
    // What systemd passes: descriptors from 3 on, and the pid of the process itself.
    private const string Launcher = """
        import os, socket, sys
        listener = socket.socket()
        listener.bind(("127.0.0.1", int(sys.argv[1])))
        listener.listen(64)
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="web")
        os.execvp(sys.argv[2], sys.argv[2:])
        """;

    [Fact]
    public async Task The_supervisor_serves_on_sockets_of_systemd()
    {
        using var home = new TemporaryFolder();
        using var free = new FreePort();
        var port = free.Release();
        await using var green = ChildProgram.Start(
            "python3",
            ["-c", Launcher, $"{port}", "dotnet", Repo.Green, "run", "--name", "socket", "-w", "2", "-b", "systemd", Repo.TestWorker],
            [new("RUNTIME_DIRECTORY", home.Path)],
            home.Path);
        var status = await Eventually.Get(
            "two workers serve",
            () => ControlClient.Status(home.File("socket.sock")),
            static status => status.Workers.Count(static worker => worker.State == WorkerPhase.Serving) == 2,
            green.Describe);

        Assert.Equal($"tcp://127.0.0.1:{port}", Assert.Single(status.Listeners).Endpoint);
        Assert.Contains(await Target.Loopback(port).Pid(), status.Workers.Select(static worker => worker.Pid!.Value));
        Kernel.Signal(green.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await green.Exit());
        Assert.Empty(green.Living);
    }

    [Fact]
    public async Task An_app_without_a_supervisor_serves_on_sockets_of_systemd()
    {
        using var free = new FreePort();
        var port = free.Release();
        await using var app = ChildProgram.Start("python3", ["-c", Launcher, $"{port}", "dotnet", Repo.TestWorker]);
        Assert.Equal(app.Pid, await Eventually.Get("it answers", () => Target.Loopback(port).Pid(), static _ => true, app.Describe));
        Kernel.Signal(app.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await app.Exit());
    }

    [Fact]
    public async Task Systemd_socket_activate_itself_launches_the_supervisor_at_the_first_connection()
    {
        using var home = new TemporaryFolder();
        using var free = new FreePort();
        var port = free.Release();
        await using var green = ChildProgram.Start(
            "systemd-socket-activate",
            [
                // It passes on only the variables that it is told to.
                "-l", $"127.0.0.1:{port}", "-E", "RUNTIME_DIRECTORY", "-E", "PATH", "-E", "HOME", "-E", "DOTNET_ROOT", "-E", ChildProgram.MarkName,
                "dotnet", Repo.Green, "run", "--name", "socket", "-w", "1", "-b", "systemd", Repo.TestWorker,
            ],
            [new("RUNTIME_DIRECTORY", home.Path)],
            home.Path);

        // The first client is answered although no process was running when it connected.
        var pid = await Eventually.Get("it answers", () => Target.Loopback(port).Pid(), static _ => true, green.Describe);
        Assert.Equal(pid, (await ControlClient.Status(home.File("socket.sock"))).Workers[0].Pid);
        Kernel.Signal(green.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await green.Exit());
        Assert.Empty(green.Living);
    }
}
