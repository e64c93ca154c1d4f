using KestrelGreenTransport.Supervisor.Dumps;

namespace KestrelGreenTransport.Supervisor.Tests.Dumps;

public sealed class DumpFolderTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("green-dumps-").FullName, "kept");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void The_newest_files_stay_and_those_of_others_are_left_alone()
    {
        var folder = new DumpFolder(_path, "shop");
        folder.Make();
        File.WriteAllText(Path.Combine(_path, "green-shop-notes.txt"), "mine");
        File.WriteAllText(new DumpFolder(_path, "shop-admin").FileFor(1, 1, Time(0), "stacks.txt"), "of another instance");
        for (var second = 0; second < DumpFolder.MaxFiles + 5; second++)
        {
            folder.Write(folder.FileFor(1, 4121, Time(second), "stacks.txt"), "stacks");
        }

        var ours = Directory.GetFiles(_path, "green-shop-2*").Order().ToList();
        Assert.Equal(DumpFolder.MaxFiles, ours.Count);
        Assert.EndsWith("green-shop-20260101-120005-000-worker1-4121.stacks.txt", ours[0], StringComparison.Ordinal);
        Assert.Equal(DumpFolder.MaxFiles + 2, Directory.GetFiles(_path).Length);
    }

    [Fact]
    public void What_is_too_large_goes_oldest_first_and_the_newest_never()
    {
        var folder = new DumpFolder(_path, "shop");
        folder.Make();
        foreach (var second in (int[])[1, 2])
        {
            // Sparse: they take no room.
            using var large = File.Create(folder.FileFor(1, 4121, Time(second), "dmp"));
            large.SetLength(DumpFolder.MaxBytes);
        }

        folder.Prune();
        Assert.Equal(folder.FileFor(1, 4121, Time(2), "dmp"), Assert.Single(Directory.GetFiles(_path)));
    }

    [Fact]
    public void The_folder_is_made_for_its_owner_alone()
    {
        new DumpFolder(_path, "shop").Make();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_path));
    }

    private static DateTimeOffset Time(int second) => new(2026, 1, 1, 12, 0, second, TimeSpan.Zero);
}
