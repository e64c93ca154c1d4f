using System.Buffers.Binary;
using System.Globalization;
using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Faults;

/// <summary>What can happen to the heartbeat files and to the board. None of it is a worker's fault.</summary>
internal static class FileFaults
{
    // A worker that seems silent is ended within this time.
    private static readonly FaultSetup Watched = new(2, "--timeout", "3s");

    // Instead of the directory, a file system of two pages in its own mount namespace, which disappears with the processes. The
    // board takes one page and the first beat the other.
    private static readonly FaultSetup Full = Watched with
    {
        Wrapper = static _ =>
        [
            "unshare", .. Environment.IsPrivilegedProcess ? Array.Empty<string>() : ["--user", "--map-root-user"], "--mount", "sh", "-c",
            """
            name=$5; folder=$RUNTIME_DIRECTORY/green-$(id -u)-$name
            mkdir -m 700 "$folder" && mount -t tmpfs -o size=8k,mode=0700 green-test "$folder" && exec "$@"
            """,
            "sh",
        ],
        Leaves = static green => FaultHoldings.HeartbeatFolder(green),
    };

    private static readonly FaultSetup Adjusted = Watched with { Wrapper = WallClock.Settable };

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("beat-deleted", static scene => Damage(scene, Beat, File.Delete)) { Setup = Watched, InTests = null },
        new("beat-truncated", static scene => Damage(scene, Beat, Truncate, times: 3)) { Setup = Watched, InTests = null },
        new("beat-garbage", static scene => Damage(scene, Beat, path => Overwrite(path, scene.Random), times: 3)) { Setup = Watched },
        new("beat-of-a-foreign-pid", static scene => Damage(scene, Beat, ClaimForeign, times: 3)) { Setup = Watched },
        new("beat-replaced-by-a-symlink", static scene => Damage(scene, Beat, path => ReplaceByLink(path, scene.Folder))) { Setup = Watched },
        new("beat-read-only", static scene => Damage(scene, Beat, MakeReadOnly)) { Setup = Watched, InTests = null },
        new("board-deleted", static scene => Damage(scene, Board, File.Delete)) { Setup = Watched, InTests = null },
        new("board-truncated", static scene => Damage(scene, Board, Truncate, times: 3)) { Setup = Watched, InTests = null },
        new("board-garbage", static scene => Damage(scene, Board, path => Overwrite(path, scene.Random), times: 3)) { Setup = Watched },
        new("board-replaced-by-a-symlink", static scene => Damage(scene, Board, path => ReplaceByLink(path, scene.Folder))) { Setup = Watched, InTests = null },
        new("heartbeat-directory-deleted", DeleteAll) { Setup = Watched, Reason = "crash SIGKILL", CostsWhatTheVictimHeld = true },
        new("heartbeat-directory-full", StaysFull) { Setup = Full, Reason = "crash SIGKILL", CostsWhatTheVictimHeld = true },
        new("wall-clock-jumps-an-hour", static scene => Jumps(scene, TimeSpan.FromHours(1), TimeSpan.FromHours(-1), TimeSpan.Zero)) { Setup = Adjusted },
    ];

    private static string Beat(string folder, WorkerStatus worker) => Path.Combine(folder, $"worker-{worker.Index}.beat");

    private static string Board(string folder, WorkerStatus worker) => Path.Combine(folder, "board");

    // Then waits longer than a worker may be silent.
    private static async Task Damage(FaultScene scene, Func<string, WorkerStatus, string> file, Action<string> damage, int times = 1)
    {
        var victim = scene.Victim();
        var path = file(Path.Combine(scene.Green.RuntimeDirectory, FaultHoldings.WorkersFolder(scene.Green)), victim);
        for (var i = 0; i < times; i++)
        {
            damage(path);
            await scene.Load.More(scene.Random.Next(20, 50));
        }

        await IsStillThere(scene, victim);
        if (new FileInfo(path) is not { Exists: true, LinkTarget: null })
        {
            // Files that were taken away come back with new workers, for the next fault.
            await using var reload = await scene.Green.Command("reload");
            Assert.True(await reload.Exit() == 0, reload.Describe());
        }
    }

    private static async Task IsStillThere(FaultScene scene, WorkerStatus worker)
    {
        var start = (await scene.Green.Status()).Workers.Single(one => one.Index == worker.Index).UptimeSeconds;
        await scene.Green.StatusWhen("it has been judged with that", status => status.Workers.Single(one => one.Index == worker.Index).UptimeSeconds > start + 4);
        await scene.NobodyWasEnded();
    }

    // As a cleaner of temporary files does, or the service manager at the end of a session. Then a worker dies.
    private static async Task DeleteAll(FaultScene scene)
    {
        Directory.Delete(Path.Combine(scene.Green.RuntimeDirectory, FaultHoldings.HeartbeatFolder(scene.Green)), recursive: true);
        var victim = scene.Victim();
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await scene.Replaced(victim);
    }

    // One worker has no room for its beats from the start. The replacement of the other one may have none either.
    private static async Task StaysFull(FaultScene scene)
    {
        await scene.Green.Process.Line(@"\.beat.*No space left on device");
        await IsStillThere(scene, scene.Before.Workers[0]);
        var victim = scene.Victim();
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await scene.Replaced(victim);
    }

    private static void Truncate(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(10);
    }

    private static void Overwrite(string path, Random random)
    {
        var bytes = new byte[1024];
        random.NextBytes(bytes);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.Write(bytes);
    }

    // A whole record of a process that is not this worker: process 1.
    private static void ClaimForeign(string path)
    {
        var record = new byte[56];
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.ReadAtLeast(record, record.Length, throwOnEndOfStream: false);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(16), 1);
        file.Position = 0;
        file.Write(record);
    }

    private static void ReplaceByLink(string path, TemporaryFolder folder)
    {
        File.CreateSymbolicLink(path + ".link", folder.File("elsewhere"));
        Kernel.Rename(path + ".link", path);
    }

    private static void MakeReadOnly(string path) => File.SetUnixFileMode(path, UnixFileMode.UserRead);

    // For all processes, as when the machine's clock is set. After a jump forward, a beat from a moment ago is old by that clock.
    private static async Task Jumps(FaultScene scene, params TimeSpan[] shifts)
    {
        foreach (var shift in shifts)
        {
            WallClock.Set(scene.Folder, shift);
            var seen = DateTimeOffset.FromUnixTimeSeconds(long.Parse(await scene.App.Get("/utc"), CultureInfo.InvariantCulture));
            Assert.InRange(seen - DateTimeOffset.UtcNow, shift - TimeSpan.FromMinutes(5), shift + TimeSpan.FromMinutes(5));
            await IsStillThere(scene, scene.Before.Workers[0]);
        }
    }
}
