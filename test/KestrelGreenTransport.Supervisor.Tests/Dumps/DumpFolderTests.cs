using KestrelGreenTransport.Supervisor.Dumps;
using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Tests.Dumps;

public sealed class DumpFolderTests : IDisposable
{
    private const uint Somebody = 65534;

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
            // Sparse files: they use no space.
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

    [Fact]
    public void A_text_is_a_new_file_for_its_owner_alone()
    {
        var folder = new DumpFolder(_path, "shop");
        var file = folder.FileFor(1, 4121, Time(1), "stacks.txt");
        folder.Write(file, "stacks");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        File.WriteAllText(_path + "-precious", "precious");
        foreach (var taken in (string[])["link", "file"])
        {
            File.Delete(file);
            _ = taken == "link" ? File.CreateSymbolicLink(file, _path + "-precious").Name : Write(file);
            Assert.Contains("cannot be created", Assert.Throws<IOException>(() => folder.Write(file, "stacks")).Message);
        }

        Assert.Equal("precious", File.ReadAllText(_path + "-precious"));

        static string Write(string path)
        {
            File.WriteAllText(path, "older");
            return path;
        }
    }

    [Fact]
    public void A_folder_that_others_may_write_to_is_refused()
    {
        var folder = new DumpFolder(_path, "shop");
        Assert.Null(folder.WhyNot());
        folder.Make();
        Assert.Null(folder.WhyNot());
        foreach (var open in (int[])[0b111_111_111, 0b111_111_101, 0b1_111_111_111])
        {
            File.SetUnixFileMode(_path, (UnixFileMode)open);
            Assert.Contains($"other users may write to {_path}", folder.WhyNot());
            Assert.Throws<IOException>(() => folder.Write(folder.FileFor(1, 4121, Time(1), "stacks.txt"), "stacks"));
        }

        Assert.Empty(Directory.GetFileSystemEntries(_path));
        if (Environment.IsPrivilegedProcess)
        {
            File.SetUnixFileMode(Path.GetDirectoryName(_path)!, (UnixFileMode)0b111_111_111);
            var theirs = _path + "-theirs";
            AsUser.Run(Somebody, () => Directory.CreateDirectory(theirs));
            Assert.Contains($"other users may write to {theirs}", new DumpFolder(theirs, "shop").WhyNot());

            // No folder is created through a link of theirs, either.
            AsUser.Run(Somebody, () => File.CreateSymbolicLink(_path + "-link", theirs));
            Assert.Contains("symbolic link", new DumpFolder(_path + "-link/dumps", "shop").WhyNot());
            Assert.Throws<IOException>(() => new DumpFolder(_path + "-link/dumps", "shop").Make());
            Assert.Empty(Directory.GetFileSystemEntries(theirs));
        }
    }

    [Fact]
    public void What_the_workers_runtime_writes_goes_to_a_folder_of_the_workers_own()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Equal(_path, Path.GetDirectoryName(new DumpFolder(_path, "shop").FileForRuntime(1, 4121, Time(1), "dmp")));
            return;
        }

        File.SetUnixFileMode(Path.GetDirectoryName(_path)!, (UnixFileMode)0b111_101_101);
        var folder = new DumpFolder(_path, "shop", new WorkerIdentity(Somebody, Somebody, [Somebody], Account: null));
        folder.MakeForRuntime();
        var precious = folder.FileFor(1, 4121, Time(0), "stacks.txt");
        folder.Write(precious, "precious");
        var dumps = Enumerable.Range(1, DumpFolder.MaxFiles + 3).Select(second => folder.FileForRuntime(1, 4121, Time(second), "dmp")).ToList();
        AsUser.Run(Somebody, () =>
        {
            foreach (var dump in dumps)
            {
                File.WriteAllText(dump, "dump");
            }

            File.Delete(dumps[^1]);
            return File.CreateSymbolicLink(dumps[^1], "/etc/passwd");
        });

        Assert.True(folder.Has(dumps[^2]));
        Assert.False(folder.Has(dumps[^1]));
        Assert.Throws<UnauthorizedAccessException>(() => AsUser.Run(Somebody, () => { File.WriteAllText(precious, "theirs"); return true; }));
        folder.Prune();
        Assert.False(File.Exists(precious));
        Assert.Equal(dumps[3..], Directory.GetFileSystemEntries(Path.GetDirectoryName(dumps[0])!).Order(StringComparer.Ordinal));
        Assert.True(File.Exists("/etc/passwd"));
    }

    private static DateTimeOffset Time(int second) => new(2026, 1, 1, 12, 0, second, TimeSpan.Zero);
}
