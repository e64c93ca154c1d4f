using System.Buffers.Binary;
using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>The worker contract without our supervisor: any program that can set variables and pass descriptors may start workers.</summary>
public sealed class WorkerContractTests
{
    // A supervisor of a few lines: it binds, starts two workers on the one socket, and prints its address.
    private const string Shell = """
        set -eu
        python3 - "$@" <<'PY'
        import os, socket, subprocess, sys
        home, app = sys.argv[1:]
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        listener.set_inheritable(True)
        port, fd = listener.getsockname()[1], listener.fileno()
        workers = []
        for index in (1, 2):
            environment = dict(os.environ,
                GREEN_WORKER=str(index), GREEN_GENERATION="1", GREEN_WORKER_CONNECTIONS="1",
                GREEN_LISTEN=f"{fd}=tcp://127.0.0.1:{port}",
                GREEN_HEARTBEAT_FILE=f"{home}/worker-{index}.beat", GREEN_HEARTBEAT_INTERVAL="200ms",
                GREEN_BOARD_FILE=f"{home}/board")
            for file in (environment["GREEN_HEARTBEAT_FILE"], environment["GREEN_BOARD_FILE"]):
                os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            workers.append(subprocess.Popen(["dotnet", app], env=environment, pass_fds=[fd]))
        print("port", port, *[worker.pid for worker in workers], flush=True)
        print("codes", *[worker.wait() for worker in workers], flush=True)
        PY
        """;

    [Fact]
    public async Task Two_workers_that_a_shell_script_launches_share_a_socket_beat_and_leave_on_TERM()
    {
        using var home = new TemporaryFolder();
        await using var shell = ChildProgram.Start("bash", ["-c", Shell, "supervisor", home.Path, Repo.TestWorker]);
        var words = (await shell.Line("^port ")).Split(' ');
        var target = Target.Loopback(int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture));
        int[] pids = [.. words[2..].Select(static word => int.Parse(word, System.Globalization.CultureInfo.InvariantCulture))];

        await Eventually.True(
            "both beat as serving",
            () => Enumerable.Range(1, 2).All(index => Beat(home, index) is { } beat && beat.State == 2 && beat.Pid == pids[index - 1]),
            shell.Describe);

        // Each pool has one slot, so the second connection must be the other worker's.
        using (var first = await RawConnection.To(target))
        using (var second = await RawConnection.To(target))
        {
            string[] answers = [await first.Get("/pid"), await second.Get("/pid")];
            Assert.Equal(pids.Select(static pid => $"{pid}").Order(), answers.Order());
        }

        var beats = Beat(home, 1)!.Value.Beats;
        await Eventually.True("it beats on", () => Beat(home, 1)!.Value.Beats > beats + 2, shell.Describe);

        Kernel.Signal(pids[0], Kernel.SIGTERM);
        await Eventually.True("the first is gone", () => !Kernel.IsAlive(pids[0]), shell.Describe);

        // It closed only its own copy of the socket: the other worker keeps serving.
        Assert.Equal(pids[1], await target.Pid());
        Kernel.Signal(pids[1], Kernel.SIGTERM);
        Assert.Equal("codes 0 0", await shell.Line("^codes "));
    }

    [Fact]
    public async Task An_inherited_listener_that_is_no_socket_is_refused_with_its_number()
    {
        using var home = new TemporaryFolder();
        await using var worker = await ChildProgram.Run(
            "dotnet", [Repo.TestWorker], [new("GREEN_WORKER", "1"), new("GREEN_LISTEN", "0=tcp://127.0.0.1:4711")], home.Path);
        Assert.NotEqual(0, await worker.Exit());
        Assert.Contains("GREEN_LISTEN", worker.Output, StringComparison.Ordinal);
        Assert.Contains("4711", worker.Output, StringComparison.Ordinal);
    }

    private static (int Pid, long State, long Beats)? Beat(TemporaryFolder home, int index)
    {
        var path = home.File($"worker-{index}.beat");
        var bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        if (bytes.Length < 56)
        {
            return null;
        }

        Assert.Equal("GBT1"u8, bytes.AsSpan(0, 4));
        Assert.Equal(56, bytes.Length);
        return (
            BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(16)),
            BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(32)),
            BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(40)));
    }
}
