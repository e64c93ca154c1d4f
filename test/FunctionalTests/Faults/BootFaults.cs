using System.Globalization;
using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>What can happen to a worker that is still booting, while the others are serving.</summary>
internal static class BootFaults
{
    private static readonly FaultSetup Deployed = new(2) { HasReleases = true };

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("boot-is-slow", IsSlow) { Setup = Deployed, InTests = Fault.Nginx },
        new("boot-dies-just-after-ready", DiesAfterReady)
        {
            Setup = Deployed, Said = "the reload to generation [0-9]+ failed", CostsWhatTheVictimHeld = true, InTests = Fault.Nginx,
        },
        new("boot-file-replaced-by-garbage", static scene => IsRefused(scene, "garbage"))
        {
            Setup = Deployed, Said = "the reload to generation [0-9]+ failed", InTests = Fault.Nginx,
        },
        new("boot-file-missing", static scene => IsRefused(scene, "missing"))
        {
            Setup = Deployed, Said = "the reload to generation [0-9]+ failed: .* does not exist", InTests = null,
        },
        new("boot-throws", static scene => IsRefused(scene, "throw:no database today"))
        {
            Setup = Deployed, Said = "the reload to generation [0-9]+ failed", InTests = null,
        },
        new("boot-ends-before-hello", static scene => IsRefused(scene, "exit:3"))
        {
            Setup = Deployed, Said = "the reload to generation [0-9]+ failed", InTests = null,
        },
        new("boot-crash-loop-of-one-that-had-served", CrashLoops)
        {
            Setup = Deployed, Reason = "crash SIGABRT", CostsWhatTheVictimHeld = true, InTests = Fault.Nginx,
        },
    ];

    // A thorough run takes as long as a large app may take.
    private static async Task IsSlow(FaultScene scene)
    {
        var milliseconds = FaultMatrix.IsThorough ? 20_000 : scene.Random.Next(1000, 3000);
        Deploy(scene, string.Create(CultureInfo.InvariantCulture, $"slow:{milliseconds}"));
        await using var reload = await scene.Green.Command("reload");
        Assert.True(await reload.Exit() == 0, reload.Describe());
        var after = await scene.Green.Serving(scene.Before.Workers.Count);
        Assert.Equal(scene.Before.Generation + 1, after.Generation);
    }

    private static async Task IsRefused(FaultScene scene, string fault)
    {
        Deploy(scene, fault);
        await using var reload = await scene.Green.Command("reload");
        Assert.True(await reload.Exit() == 7, reload.Describe());
        await scene.NobodyWasEnded();
    }

    // Within the half second in which it has to prove itself, or after it. In the second case the workers already replaced are rolled back.
    private static async Task DiesAfterReady(FaultScene scene)
    {
        scene.NewOnesAreVictims = true;
        Deploy(scene, string.Create(CultureInfo.InvariantCulture, $"dies-after-ready:{scene.Random.Next(0, 1000)}"));
        await using var reload = await scene.Green.Command("reload");
        Assert.True(await reload.Exit() == 7, reload.Describe());
        var after = await scene.Green.Serving(scene.Before.Workers.Count);
        Assert.All(after.Workers, worker => Assert.Equal(scene.Before.Generation, worker.Generation));
    }

    // The running release is damaged on disk, and one of its workers dies.
    private static async Task CrashLoops(FaultScene scene)
    {
        var release = await scene.App.Get("/release");
        var damage = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(scene.Releases.App))!, release, "boot-fault");
        var intact = File.Exists(damage) ? await File.ReadAllTextAsync(damage) : null;
        await File.WriteAllTextAsync(damage, "throw:damaged on disk");
        var victim = scene.Victim();
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await scene.Green.StatusWhen(
            "it has failed to come back, again and again",
            static status => status.State == SupervisorPhase.Degraded && status.Workers.Any(static worker => worker is { State: WorkerPhase.Backoff, Restarts: >= 3 }));
        await scene.Load.More(20);
        if (intact is null)
        {
            File.Delete(damage);
        }
        else
        {
            await File.WriteAllTextAsync(damage, intact);
        }

        await scene.Replaced(victim);
    }

    private static void Deploy(FaultScene scene, string fault) => scene.Releases.Deploy($"{Guid.NewGuid():N}"[..8], fault);
}
