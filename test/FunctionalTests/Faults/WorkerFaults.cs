using System.Globalization;
using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>What can happen to a worker that is serving.</summary>
internal static class WorkerFaults
{
    // The limit is hard as well: .NET raises a soft one to the hard one when it starts.
    private static readonly FaultSetup FewDescriptors = new(2) { Wrapper = static _ => ["prlimit", "--nofile=400"] };

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("worker-SIGKILL", static scene => Dies(scene, Kernel.SIGKILL)) { Reason = "crash SIGKILL", CostsWhatTheVictimHeld = true, InTests = null },
        new("worker-SIGSEGV", static scene => Dies(scene, "/crash?how=segfault")) { Reason = "crash SIGSEGV", CostsWhatTheVictimHeld = true, InTests = Fault.Nginx },
        new("worker-FailFast", static scene => Dies(scene, "/crash?how=failfast")) { Reason = "crash SIGABRT", CostsWhatTheVictimHeld = true, InTests = null },
        new("worker-stack-overflow", static scene => Dies(scene, "/crash?how=stack"))
        {
            Reason = "crash SIGABRT", Said = @"\[worker \d+\] Stack overflow", CostsWhatTheVictimHeld = true, InTests = Fault.Nginx,
        },
        new("worker-exit-0", static scene => Dies(scene, "/exit0")) { Reason = "exited 0", InTests = null },
        new("worker-TERM-from-outside", static scene => Dies(scene, Kernel.SIGTERM)) { Reason = "exited 0", InTests = null },

        new("worker-deadlocked-request", Deadlocks) { Reason = "crash SIGKILL", CostsWhatTheVictimHeld = true, InTests = Fault.Nginx },
        new("worker-spins", static scene => Endures(scene, scene.Random.Next(500, 3000), "/spin")) { InTests = Fault.Nginx },
        new("worker-long-GC-pause", static scene => Endures(scene, scene.Random.Next(500, 3000), "/gc-pause")) { InTests = Fault.Nginx },
        new("worker-out-of-descriptors", RunsOutOfDescriptors) { Setup = FewDescriptors, IsForNginx = false, InTests = null },
        new("worker-out-of-threads", RunsOutOfThreads) { InTests = Fault.Nginx },

        new("worker-SIGSTOP", static scene => Dies(scene, Kernel.SIGSTOP))
        {
            Setup = FaultSetup.Strict, Reason = "stale SIGKILL frozenProcess", CostsWhatTheVictimHeld = true, InTests = null,
        },
        new("worker-SIGSTOP-and-SIGCONT-about-the-verdict", StopsAndGoesOn) { Setup = FaultSetup.Strict, CostsWhatTheVictimHeld = true },
        new("worker-thread-pool-starvation", static scene => Dies(scene, "/starve"))
        {
            Setup = FaultSetup.Strict, Reason = "stale SIGKILL threadPoolStarvation", CostsWhatTheVictimHeld = true, InTests = null,
        },
        new("worker-GC-pause-without-end", static scene => Dies(scene, "/gc-pause?ms=600000"))
        {
            Setup = FaultSetup.Strict, Reason = "stale SIGKILL frozenProcess", CostsWhatTheVictimHeld = true,
        },
        new("worker-beat-thread-stops-alone", static scene => Dies(scene, "/stop-beat"))
        {
            Setup = FaultSetup.Strict, Reason = "stale SIGKILL frozenProcess", CostsWhatTheVictimHeld = true,
        },
        new("worker-ignores-TERM", IgnoresTerm) { Setup = FaultSetup.Strict, Said = "is forced to exit: it was told to stop|killing worker .*: it did not exit within GracefulTimeout", CostsWhatTheVictimHeld = true },
    ];

    private static async Task Dies(FaultScene scene, int signal)
    {
        var victim = scene.Victim();
        Kernel.Signal(victim.Pid!.Value, signal);
        await scene.Replaced(victim);
    }

    private static async Task Dies(FaultScene scene, string path)
    {
        var victim = scene.Victim();
        using var asked = await scene.Ask(victim, path);
        await scene.Replaced(victim);
    }

    // A pause is no reason to end a worker. If the whole worker stands still, its requests wait.
    private static async Task Endures(FaultScene scene, int milliseconds, string path)
    {
        using var asked = await scene.Ask(scene.Victim(), string.Create(CultureInfo.InvariantCulture, $"{path}?ms={milliseconds}"));
        await asked.Receive();
        await scene.NobodyWasEnded();
    }

    private static async Task Deadlocks(FaultScene scene)
    {
        var victim = scene.Victim();
        using var asked = await scene.Ask(victim, "/deadlock");
        await scene.Green.StatusWhen("it is in flight", status => status.Workers.Single(worker => worker.Pid == victim.Pid).RequestsInFlight > 0);
        await scene.Load.More(200);

        // Other clients of the same event loop are answered, by the same process.
        using var other = await scene.ConnectTo(victim);
        Assert.Equal($"{victim.Pid}", await other.Get("/pid"));
        await scene.NobodyWasEnded();
        Assert.Equal(0, scene.Load.Report.Lost);

        // It holds its slot and its thread until the process ends.
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await scene.Replaced(victim);
    }

    // More connections than both workers have descriptors for. Existing clients are still served, and the rest wait.
    private static async Task RunsOutOfDescriptors(FaultScene scene)
    {
        var held = new List<RawConnection>();
        try
        {
            for (var i = 0; i < 1000; i++)
            {
                held.Add(await RawConnection.To(scene.App));
            }

            await scene.WaitForLog("cannot accept: Too many open files");
            await scene.Load.More(100);
        }
        finally
        {
            held.ForEach(static connection => connection.Dispose());
        }

        Assert.NotEqual(0, await scene.App.Pid());
        await scene.NobodyWasEnded();
    }

    // A handler that blocks needs a spare thread for its event loop, and cannot get one. The transport copes; the runtime may not
    // when it needs a thread itself. Then the process ends with an out-of-memory error, and is replaced.
    private static async Task RunsOutOfThreads(FaultScene scene)
    {
        // If this user may not bound threads, the fault runs without a bound.
        await using var group = ThreadGroup.TryCreate();
        var victim = scene.Victim();
        group?.Take(victim.Pid!.Value);
        group?.AllowNoMore();
        bool[] answered;
        try
        {
            answered = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => IsAnswered()));
            await scene.Load.More(100);
        }
        finally
        {
            group?.AllowAny();
        }

        if (answered.All(static one => one))
        {
            using var after = await scene.ConnectTo(victim);
            await scene.NobodyWasEnded();
            return;
        }

        await scene.Replaced(victim);
        await scene.Green.StatusWhen("it ran out of memory", static status => status.Workers.Any(static worker => worker.LastExit?.Reason == "outOfMemory"));

        async Task<bool> IsAnswered()
        {
            try
            {
                await scene.App.Get("/block?ms=200");
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }
    }

    // Microseconds decide whether it continues in time or is killed. Both are right, and both must leave everything in order.
    private static async Task StopsAndGoesOn(FaultScene scene)
    {
        var victim = scene.Victim();
        var pid = victim.Pid!.Value;
        Kernel.Signal(pid, Kernel.SIGSTOP);
        var limit = 2.6 + (scene.Random.NextDouble() * 0.5);
        await scene.Green.StatusWhen("it is about to be judged", status => status.Workers.All(worker => worker.Pid != pid || worker.HeartbeatAgeSeconds > limit));
        try
        {
            Kernel.Signal(pid, Kernel.SIGCONT);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // Killed and collected already.
        }

        await scene.Green.Serving(scene.Before.Workers.Count);
    }

    private static async Task IgnoresTerm(FaultScene scene)
    {
        var victim = scene.Victim();
        using (var connection = await scene.ConnectTo(victim))
        {
            await connection.Get("/refuse-to-leave");
        }

        Kernel.Signal(victim.Pid!.Value, Kernel.SIGTERM);
        await using var drain = await scene.Green.Command("drain", $"{victim.Index}");
        await scene.Replaced(victim);
    }
}
