using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>A cluster, with or without an nginx in front, that takes one fault after another.</summary>
internal sealed class FaultCluster : IAsyncDisposable
{
    private FaultCluster(FaultSetup setup, TemporaryFolder folder, Releases? releases, GreenRun green) =>
        (Setup, Folder, Releases, Green) = (setup, folder, releases, green);

    public FaultSetup Setup { get; }

    /// <summary>For any files that a fault needs.</summary>
    public TemporaryFolder Folder { get; }

    public Releases? Releases { get; }

    public GreenRun Green { get; }

    public StrictNginx? Nginx { get; private set; }

    /// <summary>Where the workers listen.</summary>
    public Target App { get; private set; } = null!;

    /// <summary>Where clients send their requests.</summary>
    public Target Front => Nginx?.Target ?? App;

    public static async Task<FaultCluster> Start(FaultSetup setup, string way)
    {
        var folder = new TemporaryFolder();
        var releases = setup.HasReleases ? new Releases() : null;
        string[] options = setup.User is { } user ? ["--user", user, .. setup.Options] : setup.Options;
        (string, string?)[] environment = setup.User is null
            ? setup.Environment
            : [.. setup.Environment, ("ASPNETCORE_URLS", "http://127.0.0.1:0"), ("TESTWORKER_HOSTILE", folder.File("at-boot"))];
        var green = GreenRun.Start(
            ["-w", $"{setup.Workers}", .. options], setup.User is null ? releases?.App : Readable(folder), bind: setup.User is null, reachable: setup.User is not null,
            wrapper: setup.Wrapper?.Invoke(folder), environment: environment);
        var cluster = new FaultCluster(setup, folder, releases, green);
        try
        {
            await green.Serving(setup.Workers);
            cluster.App = await green.Target();
            cluster.Nginx = way == Fault.Nginx ? await StrictNginx.Before(cluster.App) : null;
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    // Where other users may read it: the checkout itself may be closed to them.
    private static string Readable(TemporaryFolder folder)
    {
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Repo.TestWorker)!))
        {
            File.Copy(file, folder.File(Path.GetFileName(file)));
        }

        return folder.File(Path.GetFileName(Repo.TestWorker));
    }

    /// <summary>Stops the supervisor, whichever process that is by now. Nothing may be left.</summary>
    public async Task StopCleanly()
    {
        Kernel.Signal((await Green.Status()).SupervisorPid, Kernel.SIGTERM);
        await Eventually.True("all are gone", () => Green.Process.IsGone, Green.Process.Describe);
        Assert.Equal(0, await Green.Exit());
        if (Setup.Leaves?.Invoke(Green) is { } leaves)
        {
            Directory.Delete(Path.Combine(Green.RuntimeDirectory, leaves));
        }

        Green.AssertNothingLeft();
    }

    public async ValueTask DisposeAsync()
    {
        if (Nginx is not null)
        {
            await Nginx.DisposeAsync();
        }

        await Green.DisposeAsync();
        Releases?.Dispose();
        Folder.Dispose();
    }
}
