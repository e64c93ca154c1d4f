using KestrelGreenTransport.Files;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests.Files;

/// <summary>Files that root opens for writing where other users may write too, with a real other user if the tests run as root.</summary>
public sealed class GuardedFileTests : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;
    private const uint Somebody = 65534;
    private const int Append = LibcFiles.O_WRONLY | LibcFiles.O_APPEND | LibcFiles.O_CREAT;

    private readonly string _folder = Directory.CreateTempSubdirectory("green-files-").FullName;

    public GuardedFileTests()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(Open);
        File.SetUnixFileMode(Open, Everybody);
        File.WriteAllText(Precious, "precious");
    }

    private string Open => Path.Combine(_folder, "open");

    private string Log => Path.Combine(Open, "green.log");

    private string Precious => Path.Combine(_folder, "precious");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_link_of_another_user_is_not_followed()
    {
        As(() => File.CreateSymbolicLink(Log, Precious));
        Assert.Contains($"it is a symbolic link, and other users may write to {Open}", WhyNot(Log));

        // A dangling link: the other user would choose what is created.
        As(() => File.CreateSymbolicLink(Path.Combine(Open, "dangling"), Path.Combine(_folder, "made")));
        Assert.Contains("symbolic link", WhyNot(Path.Combine(Open, "dangling")));
        Assert.False(File.Exists(Path.Combine(_folder, "made")));
    }

    [Fact]
    public void A_folder_that_is_a_link_of_another_user_is_not_entered()
    {
        As(() => File.CreateSymbolicLink(Path.Combine(Open, "logs"), _folder));
        Assert.Contains("a folder on the way is a symbolic link that another user may have put there", WhyNot(Path.Combine(Open, "logs", "green.log")));
        Assert.False(File.Exists(Path.Combine(_folder, "green.log")));

        // A link in a folder of ours inside one of theirs is not followed, either: they may replace it by another folder of ours.
        Directory.CreateDirectory(Path.Combine(Open, "ours"));
        File.CreateSymbolicLink(Path.Combine(Open, "ours", "green.log"), Precious);
        Assert.Contains("symbolic link", WhyNot(Path.Combine(Open, "ours", "green.log")));
        Assert.Equal("precious", File.ReadAllText(Precious));
    }

    [Fact]
    public void Another_name_of_a_file_is_not_written_to()
    {
        Assert.Equal(0, Posix.link(Precious, Log));

        Assert.Contains($"it has a second name (a hard link), and other users may write to {Open}", WhyNot(Log));
    }

    [Fact]
    public void What_is_no_regular_file_is_refused_without_waiting_for_its_reader()
    {
        Spawn.Start(new SpawnRequest { FileName = "/usr/bin/mkfifo", Arguments = [Log], Environment = new Dictionary<string, string>(), Descriptors = [] }).Process!.WaitForEnd(TimeSpan.FromSeconds(30));

        // Without a reader the kernel reports it; with a reader, the check of the file's type does.
        Assert.NotNull(WhyNot(Log));
        using var reader = File.OpenHandle("/dev/null");
        var opened = Result.From(LibcFiles.open(Log, LibcFiles.O_NONBLOCK | LibcFiles.O_CLOEXEC, 0));
        using var other = new Descriptor((int)opened.Value);
        Assert.Contains("it is not a regular file", WhyNot(Log));
    }

    [Fact]
    public void A_file_of_another_user_is_refused()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        As(() => { File.WriteAllText(Log, "theirs"); return true; });

        Assert.Contains($"it belongs to another user ({Somebody}), and other users may write to {Open}", WhyNot(Log));
    }

    [Fact]
    public void A_file_of_ours_is_opened_and_one_that_is_missing_made()
    {
        foreach (var path in (string[])[Log, Log, Path.Combine(_folder, "own.log")])
        {
            var opened = GuardedFile.Open(path, Append, 0b110_100_000);
            using var file = opened.File;
            Assert.Null(opened.Why);
            RandomAccess.Write(file!, "line\n"u8, 0);
        }

        Assert.Equal("line\nline\n", File.ReadAllText(Log));
    }

    [Fact]
    public void A_link_of_ours_in_a_folder_of_ours_is_followed_and_what_it_leads_to_is_looked_at()
    {
        var link = Path.Combine(_folder, "own.log");
        File.CreateSymbolicLink(link, "real.log");
        Assert.Null(WhyNot(link));
        Assert.True(File.Exists(Path.Combine(_folder, "real.log")));
        File.Delete(link);

        File.CreateSymbolicLink(link, Log);
        As(() => File.CreateSymbolicLink(Log, Precious));
        Assert.Contains("symbolic link", WhyNot(link));
        Assert.Equal("precious", File.ReadAllText(Precious));
    }

    [Fact]
    public void Standard_output_by_its_path_is_written_to()
    {
        var (read, write) = Descriptor.Pipe();
        using (read)
        using (write)
        {
            // /dev/stdout leads there.
            var link = Path.Combine(_folder, "stdout");
            File.CreateSymbolicLink(link, $"/proc/self/fd/{write.Number}");

            Assert.Null(WhyNot(link));
        }
    }

    private static string? WhyNot(string path)
    {
        var opened = GuardedFile.Open(path, Append, 0b110_100_000);
        opened.File?.Dispose();
        return opened.Why;
    }

    private static void As<T>(Func<T> what) => _ = Environment.IsPrivilegedProcess ? AsUser.Run(Somebody, what) : what();
}
