using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests.Files;

public sealed class PidFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("green-test-").FullName;

    private string FilePath => Path.Combine(_folder, "green.pid");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_holds_the_pid_and_goes_with_its_owner()
    {
        using (PidFile.Take(FilePath))
        {
            Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(FilePath));
        }

        Assert.False(File.Exists(FilePath));
    }

    [Fact]
    public void One_that_is_held_is_refused_with_its_pid()
    {
        using var first = PidFile.Take(FilePath);

        var refused = Assert.Throws<StartupException>(() => PidFile.Take(FilePath));

        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
        Assert.Contains($"(pid {Environment.ProcessId})", refused.Message, StringComparison.Ordinal);
        Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void One_that_a_killed_supervisor_left_is_taken_over_whatever_stands_in_it()
    {
        // Our own pid, which is alive: a check by pid would take it for a supervisor.
        File.WriteAllText(FilePath, $"{Environment.ProcessId}\nand much more than a pid\n");

        using var taken = PidFile.Take(FilePath);

        Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void What_stands_there_by_now_is_not_removed()
    {
        var taken = PidFile.Take(FilePath);
        File.Delete(FilePath);
        File.WriteAllText(FilePath, "another's");

        taken.Dispose();

        Assert.Equal("another's", File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_lock_for_reading_keeps_no_supervisor_out()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        File.WriteAllText(FilePath, "4120\n");
        File.SetUnixFileMode(FilePath, (UnixFileMode)0b110_100_100);
        using var locked = Environment.IsPrivilegedProcess ? AsUser.Run(65534, LockForReading) : LockForReading();
        Assert.Null(PidFile.HolderOf(FilePath));

        using (PidFile.Take(FilePath))
        {
            Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(FilePath));
            Assert.Equal($"{Environment.ProcessId}", PidFile.HolderOf(FilePath));
            Assert.Throws<StartupException>(() => PidFile.Take(FilePath));
            Assert.Equal([FilePath], Directory.GetFiles(_folder));
        }

        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_file_that_another_name_leads_to_is_not_overwritten()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_111_111);
        File.WriteAllText(FilePath + ".precious", "precious");
        Assert.Equal(0, Posix.link(FilePath + ".precious", FilePath));

        Assert.Contains("a second name", Assert.Throws<StartupException>(() => PidFile.Take(FilePath)).Message);
        File.Delete(FilePath);
        File.CreateSymbolicLink(FilePath, FilePath + ".precious");
        Assert.Contains("symbolic link", Assert.Throws<StartupException>(() => PidFile.Take(FilePath)).Message);
        Assert.Equal("precious", File.ReadAllText(FilePath + ".precious"));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named()
    {
        var refused = Assert.Throws<StartupException>(() => PidFile.Take(Path.Combine(_folder, "no", "green.pid")));

        Assert.Contains($"{_folder}/no/green.pid", refused.Message, StringComparison.Ordinal);
    }

    private unsafe Descriptor LockForReading()
    {
        var file = new Descriptor(LibcFiles.open(FilePath, LibcFiles.O_CLOEXEC, 0));
        var all = new Posix.FileLock { l_type = Posix.F_RDLCK };
        Assert.True(Result.From(Libc.fcntl(file.Number, Posix.F_OFD_SETLK, (nint)(&all))).Ok);
        return file;
    }
}
