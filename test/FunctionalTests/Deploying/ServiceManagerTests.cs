using System.Net.Sockets;
using System.Text;
using FunctionalTests.Harness;

namespace FunctionalTests.Deploying;

/// <summary>What systemd is told, and what it keeps. A datagram socket stands in for it, and a program that restarts the service.</summary>
public sealed class ServiceManagerTests
{
    // A manager that keeps descriptors: it kills its service once that is ready, and starts it again with the kept descriptors.
    // A client connects in between, when only workers without a supervisor may still be running, and those exit.
    private const string Manager = """
        import fcntl, os, signal, socket, sys
        path, command = sys.argv[1], sys.argv[2:]
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(path)
        kept = {}

        def start():
            pid = os.fork()
            if pid == 0:
                high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in kept.values()]
                for at, fd in enumerate(high):
                    os.dup2(fd, 3 + at)
                    os.set_inheritable(3 + at, True)
                    os.close(fd)
                os.environ.update(NOTIFY_SOCKET=path, FDSTORE="16", LISTEN_FDS=str(len(kept)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=":".join(kept))
                os.execvp(command[0], command)
            return pid

        def hear():
            data, descriptors, _, _ = socket.recv_fds(notify, 4096, 4)
            fields = dict(line.split("=", 1) for line in data.decode().splitlines())
            if "FDSTORE" in fields:
                kept[fields["FDNAME"]] = descriptors[0]
                print("kept", fields["FDNAME"], flush=True)
            if "FDSTOREREMOVE" in fields:
                os.close(kept.pop(fields["FDNAME"]))
                print("removed", fields["FDNAME"], flush=True)
            return fields

        def until_ready():
            ready = False
            while not ready or not kept:
                ready = "READY" in hear() or ready

        pid = start()
        until_ready()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        listener = socket.socket(fileno=os.dup(next(iter(kept.values()))))
        client = socket.create_connection(listener.getsockname())
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        pid = start()
        signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
        until_ready()
        answer = b""
        while part := client.recv(4096):
            answer += part
        print("answered", answer.split(b"\r\n")[0].decode(), "at", listener.getsockname()[1], flush=True)
        while True:
            try:
                if "STOPPING" in hear():
                    break
            except InterruptedError:
                pass
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """;

    [Fact]
    public async Task Systemd_is_told_of_the_start_the_life_and_the_stop()
    {
        using var folder = new TemporaryFolder();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(folder.File("notify")));
        await using var green = GreenRun.Start(["-w", "2"], environment: [("NOTIFY_SOCKET", folder.File("notify")), ("WATCHDOG_USEC", "2000000")]);
        var heard = new List<string>();

        await HearUntil("READY=1");
        Assert.Contains(heard, static line => line.StartsWith("EXTEND_TIMEOUT_USEC=", StringComparison.Ordinal));
        Assert.StartsWith("STATUS=starting", heard[0], StringComparison.Ordinal);
        await HearUntil("STATUS=running: 2 of 2 workers serving, generation 1");
        await HearUntil("WATCHDOG=1");
        Assert.DoesNotContain(heard, static line => line.StartsWith("FDSTORE", StringComparison.Ordinal));

        var environment = await (await green.Target()).Get("/env");
        Assert.DoesNotContain("NOTIFY_SOCKET", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("WATCHDOG_USEC", environment, StringComparison.Ordinal);

        // As systemd does for Type=notify-reload.
        heard.Clear();
        Kernel.Signal(green.Process.Pid, Kernel.SIGHUP);
        await HearUntil("READY=1");
        Assert.StartsWith("MONOTONIC_USEC=", heard[heard.IndexOf("RELOADING=1") + 1], StringComparison.Ordinal);
        Assert.Contains("STATUS=running: 2 of 2 workers serving, generation 2", heard);
        Kernel.Signal(green.Process.Pid, Kernel.SIGTERM);
        await HearUntil("STOPPING=1");
        Assert.Equal(0, await green.Exit());

        async Task HearUntil(string wanted)
        {
            using var limit = new CancellationTokenSource(Eventually.Limit);
            var buffer = new byte[4096];
            while (!heard.Contains(wanted))
            {
                var length = await manager.ReceiveAsync(buffer, limit.Token);
                heard.AddRange(Encoding.UTF8.GetString(buffer, 0, length).Split('\n'));
            }
        }
    }

    [Theory]
    [InlineData("-b", "127.0.0.1:0")]
    [InlineData("--workers", "1")]
    public async Task A_supervisor_that_is_killed_and_started_again_finds_its_sockets_with_the_clients_that_wait_there(string option, string value)
    {
        using var folder = new TemporaryFolder();
        await using var manager = ChildProgram.Start(
            "python3",
            ["-c", Manager, folder.File("notify"), "dotnet", Repo.Green, "run", "--name", "stored", "-w", "1", option, value, Repo.TestWorker],
            [new("RUNTIME_DIRECTORY", folder.Path), new("ASPNETCORE_URLS", "http://127.0.0.1:0")],
            folder.Path);

        await manager.Line("^kept green.tcp%3A%2F%2F127.0.0.1%3A0%231$");
        var answered = await manager.Line("^answered");
        Assert.StartsWith("answered HTTP/1.1 200 OK at ", answered, StringComparison.Ordinal);
        var status = await Eventually.Get("it serves", () => ControlClient.Status(folder.File("stored.sock")), static status => status.Workers.Any(static worker => worker.State == WorkerPhase.Serving), manager.Describe);
        Assert.EndsWith($":{answered.Split(' ')[^1]}", Assert.Single(status.Listeners).Endpoint, StringComparison.Ordinal);
        Assert.DoesNotContain("removed", manager.Output, StringComparison.Ordinal);
        Kernel.Signal(manager.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await manager.Exit());
    }
}
