using System.Net.Sockets;
using System.Text;
using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>What can happen to the supervisor, and what can be requested of it at the wrong moment.</summary>
internal static class SupervisorFaults
{
    private const int SIGUSR2 = 12;

    private static readonly FaultSetup Pair = new(2);

    // Each worker process costs a third of a second of CPU time; in the suite, two are enough.
    private static readonly FaultSetup Crowd = FaultMatrix.IsThorough ? new(50, "--boot-timeout", "5m") : Pair;

    private static readonly FaultSetup OutputClosed = new(2)
    {
        // The shell's process becomes the supervisor, and its output a pipe that no longer has a reader.
        Wrapper = static _ => ["bash", "-c", "exec \"$@\" > >(true)", "bash"],
    };

    private static readonly FaultSetup OutputFull = new(2)
    {
        // A pipe that stays open as long as its writer does, and is never read.
        Wrapper = static folder => ["bash", "-c", "mkfifo \"$0\" && exec 9<>\"$0\" && exec \"$@\" > \"$0\" 9>&9", folder.File("output")],
    };

    // The launcher thread can watch the first two workers, cannot watch the next two, and then can again.
    private static readonly FaultSetup PidFdsRunOut = new(2)
    {
        Wrapper = static folder => ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-e", "trace=pidfd_open", "-e", "inject=pidfd_open:error=EMFILE:when=3..4", "-o", folder.File("trace")],
    };

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("supervisor-SIGSTOP", IsStopped) { Setup = FaultSetup.Strict, Said = "the supervisor was paused for" },
        new("supervisor-two-HUPs", Reloads) { Setup = Pair, InTests = Fault.Nginx },
        new("supervisor-HUP-during-an-upgrade", ReloadsInAnUpgrade) { Setup = Pair, InTests = Fault.Nginx },
        new("supervisor-TTIN-and-TTOU-storm", IsScaledInAStorm) { Setup = Pair, InTests = Fault.Nginx },
        new("supervisor-all-workers-die-at-once", LosesAll) { Setup = Crowd, Reason = "crash SIGKILL", CostsWhatTheVictimHeld = true, InTests = Fault.Nginx },
        new("supervisor-out-of-descriptors", RunsOutOfDescriptors) { Setup = Pair, Reason = "crash SIGKILL", CostsWhatTheVictimHeld = true, InTests = Fault.Nginx },
        new("supervisor-cannot-watch-a-worker", CannotWatch) { Setup = PidFdsRunOut, Reason = "crash SIGKILL", CostsWhatTheVictimHeld = true },
        new("supervisor-control-client-floods", IsFlooded) { Setup = Pair, InTests = Fault.Nginx },
        new("supervisor-output-closed", static scene => Prints(scene, megabytes: 1)) { Setup = OutputClosed },
        new("supervisor-output-full", static scene => Prints(scene, megabytes: 12)) { Setup = OutputFull },
    ];

    // Longer than any worker may be silent.
    private static async Task IsStopped(FaultScene scene)
    {
        var supervisor = scene.Before.SupervisorPid;
        Kernel.Signal(supervisor, Kernel.SIGSTOP);
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(FaultMatrix.IsThorough ? 60 : 5), TestContext.Current.CancellationToken);
            await scene.Load.More(20);
        }
        finally
        {
            Kernel.Signal(supervisor, Kernel.SIGCONT);
        }

        await scene.NobodyWasEnded();
    }

    private static async Task Reloads(FaultScene scene)
    {
        Kernel.Signal(scene.Before.SupervisorPid, Kernel.SIGHUP);
        await scene.Load.More(scene.Random.Next(1, 30));
        Kernel.Signal(scene.Before.SupervisorPid, Kernel.SIGHUP);
        await IsReloaded(scene);
    }

    private static async Task IsReloaded(FaultScene scene) => await scene.Green.StatusWhen(
        "all workers are new",
        status => status.State == SupervisorPhase.Running && status.Workers.Count == scene.Before.Workers.Count
            && status.Workers.All(worker => worker.State == WorkerPhase.Serving && scene.Before.Workers.All(old => old.Pid != worker.Pid)));

    private static async Task ReloadsInAnUpgrade(FaultScene scene)
    {
        var before = scene.Before.SupervisorPid;
        Kernel.Signal(before, SIGUSR2);
        await scene.Load.More(scene.Random.Next(1, 100));
        if (Kernel.IsAlive(before))
        {
            Kernel.Signal(before, Kernel.SIGHUP);
        }

        await IsReloaded(scene);
        await scene.Green.StatusWhen("another one is in charge", status => status.SupervisorPid != before && status.State == SupervisorPhase.Running);
        await Eventually.True("the one before has left", () => !Kernel.IsAlive(before), scene.Green.Process.Describe);
    }

    private static async Task IsScaledInAStorm(FaultScene scene)
    {
        for (var i = 0; i < 60; i++)
        {
            Kernel.Signal(scene.Before.SupervisorPid, i % 2 == 0 ? Kernel.SIGTTIN : Kernel.SIGTTOU);
            await scene.Load.More(scene.Random.Next(2));
        }

        // A signal that is still on its way counts as another command that scaled in the meantime.
        await Eventually.Get(
            "it is scaled after the last signal",
            async () =>
            {
                await using var scale = await scene.Green.Command("scale", $"{scene.Before.Workers.Count}");
                return (Code: await scale.Exit(), Said: scale.Describe());
            },
            static outcome => outcome.Code == 0);
    }

    private static async Task LosesAll(FaultScene scene)
    {
        foreach (var worker in scene.EveryoneIsAVictim())
        {
            Kernel.Signal(worker.Pid!.Value, Kernel.SIGKILL);
        }

        await IsReloaded(scene);
    }

    // It has only the descriptors left that it needs itself, and a worker to replace.
    private static async Task RunsOutOfDescriptors(FaultScene scene)
    {
        var supervisor = scene.Before.SupervisorPid;
        var victim = scene.Victim();
        var limit = Kernel.CountDescriptors(supervisor) + 8;
        var before = Kernel.LimitDescriptors(supervisor, limit);
        var silent = new List<Socket>();
        try
        {
            Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
            await scene.WaitForLog($"worker {victim.Index} could not be started: .*free descriptors: \\d+, and the last \\d+ are reserved for the supervisor itself: .* open of at most {limit}\\. Raise LimitNOFILE=.*; retrying in", times: 4);
            await scene.Load.More(50);

            // Enough silent clients to take the remaining descriptors.
            for (var i = 0; i < 20; i++)
            {
                silent.Add(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
                await silent[i].ConnectAsync(new UnixDomainSocketEndPoint(scene.Green.ControlSocket), TestContext.Current.CancellationToken);
            }

            await scene.Load.More(50);
            silent.ForEach(static client => client.Dispose());
            await scene.Green.StatusWhen("it tells of the worker that is missing", static status => status.State == SupervisorPhase.Degraded && status.Workers.Count(static worker => worker.State == WorkerPhase.Backoff) == 1);
        }
        finally
        {
            Kernel.LimitDescriptors(supervisor, before);
            silent.ForEach(static client => client.Dispose());
        }

        await scene.Replaced(victim);
    }

    private static async Task CannotWatch(FaultScene scene)
    {
        var victim = scene.Victim();
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await scene.WaitForLog($"worker {victim.Index} could not be started: cannot start .*it was started and killed at once, because it could not be watched: pidfd_open: Too many open files", times: 2);
        await scene.Replaced(victim);
    }

    // Every kind of nonsense, from more clients than it serves at once. Afterwards it still answers.
    private static async Task IsFlooded(FaultScene scene)
    {
        byte[][] nonsense =
        [
            [], "\n"u8.ToArray(), "{\"command\":"u8.ToArray(), "{\"command\":\"explode\"}\n"u8.ToArray(), "{\"command\":\"status\"}\n"u8.ToArray(),
            Encoding.UTF8.GetBytes(new string('[', 200_000)), [0xff, 0xfe, 0, (byte)'\n'],
        ];
        var clients = new List<Socket>();
        try
        {
            for (var i = 0; i < 60; i++)
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = true, SendTimeout = 100 };
                clients.Add(socket);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(scene.Green.ControlSocket), TestContext.Current.CancellationToken);
                try
                {
                    socket.Send(nonsense[scene.Random.Next(nonsense.Length)]);
                }
                catch (SocketException)
                {
                    // It has already given up on this client, or accepts no more data now.
                }
            }

            // While silent clients hold places, other clients wait their turn.
            await scene.Green.Status();
            await scene.Load.More(50);
        }
        finally
        {
            clients.ForEach(static client => client.Dispose());
        }

        await scene.NobodyWasEnded();
    }

    private static async Task Prints(FaultScene scene, int megabytes)
    {
        await scene.App.Get($"/print-megabytes?mb={megabytes}");
        await scene.Load.More(100);
        await scene.NobodyWasEnded();
    }
}
