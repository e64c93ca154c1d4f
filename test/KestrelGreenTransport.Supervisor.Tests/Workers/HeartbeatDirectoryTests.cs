using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Tests.Workers;

public sealed class HeartbeatDirectoryTests : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("green-test-").FullName;

    private string Target => Path.Combine(_base, "green-0-test");

    private string Workers => Path.Combine(Target, "workers");

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public void It_is_private_and_goes_with_its_owner()
    {
        using (var directory = HeartbeatDirectory.Create(Target, "test"))
        {
            Assert.All((string[])[Target, Workers], folder => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder)));
            var (path, file) = directory.CreateWorkerFile(1);
            using (file)
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            }
        }

        Assert.False(Directory.Exists(Target));
    }

    [Fact]
    public void What_a_dead_supervisor_left_is_taken_over_and_cleaned()
    {
        Directory.CreateDirectory(Target, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(Workers);
        Assert.All((string[])[Target, Workers], static folder => File.WriteAllText(Path.Combine(folder, "worker-9.beat"), "left over"));

        using var directory = HeartbeatDirectory.Create(Target, "test");

        Assert.Equal([Workers], Directory.GetFileSystemEntries(Target, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_second_instance_of_the_same_name_is_refused_with_the_next_step()
    {
        using var first = HeartbeatDirectory.Create(Target, "test");

        var refused = Assert.Throws<StartupException>(() => HeartbeatDirectory.Create(Target, "test"));

        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
        Assert.Contains("choose another --name", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_symbolic_link_in_its_place_is_not_followed()
    {
        var elsewhere = Directory.CreateDirectory(Path.Combine(_base, "elsewhere")).FullName;
        Directory.CreateSymbolicLink(Target, elsewhere);

        Assert.Throws<StartupException>(() => HeartbeatDirectory.Create(Target, "test"));
        Assert.Empty(Directory.GetFiles(elsewhere));
    }

    [Fact]
    public void A_directory_that_others_may_enter_is_refused()
    {
        Directory.CreateDirectory(Target);
        File.SetUnixFileMode(Target, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        var refused = Assert.Throws<StartupException>(() => HeartbeatDirectory.Create(Target, "test"));

        Assert.Contains("did not create it", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_another_user_made_is_refused()
    {
        File.SetUnixFileMode(_base, (UnixFileMode)0b111_111_111);
        if (!Environment.IsPrivilegedProcess)
        {
            // Without root we cannot create another user's folder, but one of root's exists.
            Assert.Throws<StartupException>(() => HeartbeatDirectory.Create("/root", "test"));
            return;
        }

        Assert.Equal(0, AsUser.Run(65534, () => Posix.mkdir(Target, 0b111_000_000)));

        var refused = Assert.Throws<StartupException>(() => HeartbeatDirectory.Create(Target, "test"));

        Assert.Contains("belongs to another user", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_workers_user_has_its_folder_and_cannot_take_the_lock_on_the_name()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        File.SetUnixFileMode(_base, (UnixFileMode)0b111_101_101);
        var workers = new WorkerIdentity(65534, 65534, [65534], Account: null);
        Descriptor held;
        using (var first = HeartbeatDirectory.Create(Target, "test", workers))
        {
            var (path, file) = first.CreateWorkerFile(1);
            file.Dispose();
            AsUser.Run(65534, () =>
            {
                File.WriteAllText(path, "a beat");
                return true;
            });
            Assert.Equal(Errno.EACCES, AsUser.Run(65534, () => Result.From(LibcFiles.open(Target, LibcFiles.O_DIRECTORY, 0)).Error));
            Assert.Equal(Errno.EACCES, AsUser.Run(65534, () => Result.From(Posix.mkdir(Path.Combine(Target, "theirs"), 0b111_000_000)).Error));

            // As by a worker that outlives its supervisor and leaves something behind.
            held = AsUser.Run(65534, () => new Descriptor(LibcFiles.open(first.WorkersPath, LibcFiles.O_DIRECTORY, 0)));
            Assert.Equal(0, Posix.flock(held.Number, Posix.LOCK_EX | Posix.LOCK_NB));
            AsUser.Run(65534, () => File.CreateSymbolicLink(Path.Combine(first.WorkersPath, "board"), _base));
        }

        using (held)
        using (var second = HeartbeatDirectory.Create(Target, "test", workers))
        {
            using var board = second.CreateBoard();
            Assert.Equal(0, RandomAccess.GetLength(board));
            Assert.Equal(ExitCodes.Usage, Assert.Throws<StartupException>(() => HeartbeatDirectory.Create(Target, "test")).ExitCode);
        }

        // The workers may have another user next time.
        HeartbeatDirectory.Create(Target, "test").Dispose();
        Assert.False(Directory.Exists(Target));
    }

    [Fact]
    public void A_new_process_of_an_index_gets_a_file_that_the_old_one_cannot_write_to()
    {
        using var directory = HeartbeatDirectory.Create(Target, "test");
        var (_, old) = directory.CreateWorkerFile(1);
        var (_, fresh) = directory.CreateWorkerFile(1);
        using (old)
        using (fresh)
        {
            RandomAccess.Write(old, new byte[56], 0);

            Assert.Equal(0, RandomAccess.GetLength(fresh));
        }
    }

    [Fact]
    public void What_somebody_deleted_is_made_anew_for_the_next_worker()
    {
        using var directory = HeartbeatDirectory.Create(Target, "test");
        using var board = directory.CreateBoard();
        directory.CreateWorkerFile(1).File.Dispose();
        Directory.Delete(Target, recursive: true);

        directory.CreateWorkerFile(2).File.Dispose();
        Assert.Equal(["board", "worker-2.beat"], Directory.GetFiles(Workers).Select(Path.GetFileName).Order());
        File.WriteAllBytes(Path.Combine(Workers, "board"), [1, 2, 3]);
        Assert.Equal(3, RandomAccess.GetLength(board));
        Assert.Throws<StartupException>(() => HeartbeatDirectory.Create(Target, "test"));

        // Only the workers' folder.
        Directory.Delete(Workers, recursive: true);
        directory.CreateWorkerFile(2).File.Dispose();
        Assert.Equal(["board", "worker-2.beat"], Directory.GetFiles(Workers).Select(Path.GetFileName).Order());

        // Only the board, which a link replaces: the link is not followed.
        File.CreateSymbolicLink(Path.Combine(Workers, "link"), Path.Combine(_base, "elsewhere"));
        File.Move(Path.Combine(Workers, "link"), Path.Combine(Workers, "board"), overwrite: true);
        directory.CreateWorkerFile(3).File.Dispose();
        Assert.Equal(0, RandomAccess.GetLength(board));
        Assert.False(File.Exists(Path.Combine(_base, "elsewhere")));
    }

    [Fact]
    public void Where_no_file_can_be_made_a_worker_is_started_without()
    {
        using (var directory = HeartbeatDirectory.Create(Target, "test"))
        {
            Directory.Delete(Target, recursive: true);
            File.WriteAllText(Target, "in the way");

            var (path, file) = directory.CreateWorkerFile(1);
            using (file)
            {
                Assert.Equal(Path.Combine(Workers, "worker-1.beat"), path);
                Assert.Equal(0, RandomAccess.Read(file, new byte[56], 0));
            }
        }

        Assert.True(File.Exists(Target));
    }
}
