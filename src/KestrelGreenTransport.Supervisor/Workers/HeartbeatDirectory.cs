using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// The private directory of one instance, and in it a subfolder with its workers' heartbeat files and their board. No symbolic
/// link is followed.
///
/// The directory is the supervisor's, and locked for as long as this one lives, so that two of one name cannot mix. The
/// workers' user cannot open it, and so cannot hold that lock; under another user it can only pass through. The subfolder is
/// the workers'.
///
/// Whoever cleans up temporary files, or what a login session leaves, may take it away under us. It is made anew for the
/// next worker; and if a file cannot be made, then that is no reason to go without the worker, which can tell its beats.
/// </summary>
internal sealed class HeartbeatDirectory : IDisposable
{
    private const string BoardName = "board";
    private const string WorkersName = "workers";
    private const uint OwnerOnly = 0b111_000_000;
    private const uint OthersPass = 0b111_001_001;

    private readonly Descriptor _directory;
    private readonly Descriptor _workers;
    private readonly string _name;
    private readonly WorkerIdentity? _owner;
    private readonly ILogger _logger;

    // Files are made on the thread that launches workers, and removed on the supervisor's.
    private readonly Lock _lock = new();
    private readonly HashSet<string> _files = [];
    private SafeFileHandle? _board;
    private volatile bool _isLetGo;

    private HeartbeatDirectory(string path, string name, Descriptor directory, WorkerIdentity? owner, ILogger logger)
    {
        Path = path;
        _name = name;
        _directory = directory;
        _workers = MakeWorkers(directory, path, owner);
        _owner = owner;
        _logger = logger;
    }

    public string Path { get; }

    /// <summary>The directory, which carries the lock on the instance's name.</summary>
    public int Number => _directory.Number;

    /// <summary>The subfolder that belongs to the workers' user.</summary>
    public string WorkersPath => System.IO.Path.Combine(Path, WorkersName);

    public string BoardPath => System.IO.Path.Combine(WorkersPath, BoardName);

    /// <summary>The base is the service manager's run-time directory, else shared memory.</summary>
    public static string PathFor(string name, Func<string, string?> variable, uint user)
    {
        var runtime = variable("RUNTIME_DIRECTORY")?.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return System.IO.Path.Combine(
            runtime is [var first, ..] ? first : "/dev/shm",
            string.Create(CultureInfo.InvariantCulture, $"green-{user}-{name}"));
    }

    /// <summary>Makes the directory, or takes over one that a dead supervisor of the same name and user left.</summary>
    /// <param name="path">Where.</param>
    /// <param name="name">The instance's name, for the error.</param>
    /// <param name="owner">Whom the workers run as, if not as we do: then the subfolder is theirs.</param>
    /// <param name="logger">For what becomes of it later.</param>
    /// <exception cref="StartupException">It cannot be made or is not ours; another instance holds it.</exception>
    public static HeartbeatDirectory Create(string path, string name, WorkerIdentity? owner = null, ILogger? logger = null)
    {
        var directory = Make(path, name, owner);
        try
        {
            var ours = new HeartbeatDirectory(path, name, directory, owner, logger ?? NullLogger.Instance);
            ours.RemoveLeftovers();
            return ours;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A new, empty file for a worker's beats: one that no earlier process of this index can write to. Where none can be made
    /// it is one that nothing is ever read from, and the worker tells its beats over the lifeline.
    /// </summary>
    /// <exception cref="IOException">There is no descriptor left for it, nor for the rest of a worker.</exception>
    public (string Path, SafeFileHandle File) CreateWorkerFile(int index)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"worker-{index}.beat");
        var path = System.IO.Path.Combine(WorkersPath, name);
        lock (_lock)
        {
            try
            {
                MakeAnewWhatIsGone();
                return (path, CreateFile(name));
            }
            catch (Exception e) when (e is StartupException || (e is NativeException { Error: var error } && !Exhaustion.IsOfDescriptors(error)))
            {
                SupervisorLog.NoHeartbeatFile(_logger, index, e.Message);
                return (path, File.OpenHandle("/dev/null"));
            }
        }
    }

    public void RemoveWorkerFile(int index)
    {
        lock (_lock)
        {
            Remove(string.Create(CultureInfo.InvariantCulture, $"worker-{index}.beat"));
        }
    }

    /// <summary>The file of the board. The caller disposes it; if the board is made anew, it is that one then.</summary>
    public SafeFileHandle CreateBoard()
    {
        lock (_lock)
        {
            return _board = CreateFile(BoardName);
        }
    }

    /// <summary>The directory is another supervisor's from now on, with the lock; the files in it stay ours.</summary>
    public void LetGo() => _isLetGo = true;

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var file in _files.ToArray())
            {
                Remove(file);
            }

            _ = LibcFiles.unlinkat(_directory, WorkersName, LibcFiles.AT_REMOVEDIR);
            if (!_isLetGo)
            {
                _ = Posix.rmdir(Path);
            }

            _workers.Dispose();
            _directory.Dispose();
        }
    }

    private static Descriptor Make(string path, string name, WorkerIdentity? owner)
    {
        var made = Result.From(Posix.mkdir(path, 0b111_000_000));
        if (!made.Ok && made.Error != Errno.EEXIST)
        {
            throw new StartupException(
                ExitCodes.Unexpected,
                $"cannot make the heartbeat directory {path}: {made.Message}. Set RUNTIME_DIRECTORY to a directory that you may write to.");
        }

        var opened = Result.From(LibcFiles.open(path, LibcFiles.O_DIRECTORY | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            throw new StartupException(
                ExitCodes.Unexpected,
                $"{path} is in the way: it should be a directory of ours ({opened.Message}). Remove it, or choose another --name.");
        }

        var directory = new Descriptor((int)opened.Value);
        if (!IsOurs(directory))
        {
            directory.Dispose();
            throw new StartupException(
                ExitCodes.Unexpected,
                $"{path} belongs to another user or can be read by others: it was not made by us. Remove it, or choose another --name.");
        }

        if (!Result.From(Posix.flock(directory.Number, Posix.LOCK_EX | Posix.LOCK_NB)).Ok)
        {
            directory.Dispose();
            throw new StartupException(
                ExitCodes.Usage,
                $"an instance named '{name}' runs already. Stop it with `green stop --name {name}`, or choose another --name.");
        }

        // Whatever the umask is, and whomever an earlier supervisor let pass.
        _ = LibcFiles.fchmod(directory, owner is null ? OwnerOnly : OthersPass);
        return directory;
    }

    // Nobody but we could make it where it stands, so it is ours to give, whoever an earlier supervisor gave it to.
    private static Descriptor MakeWorkers(Descriptor directory, string path, WorkerIdentity? owner)
    {
        _ = LibcFiles.mkdirat(directory, WorkersName, OwnerOnly);
        var opened = Result.From(LibcFiles.openat(directory, WorkersName, LibcFiles.O_DIRECTORY | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            throw new StartupException(
                ExitCodes.Unexpected,
                $"cannot make the folder {System.IO.Path.Combine(path, WorkersName)}: {opened.Message}. Remove what stands there, or choose another --name.");
        }

        var workers = new Descriptor((int)opened.Value);
        _ = LibcFiles.fchown(workers, owner?.Uid ?? Libc.geteuid(), owner?.Gid ?? Posix.getegid());
        _ = LibcFiles.fchmod(workers, OwnerOnly);
        return workers;
    }

    // Under the same numbers: whoever reads the board goes on with the new one. Workers that run go on with what they have.
    private void MakeAnewWhatIsGone()
    {
        if (IsGone(_directory.Number))
        {
            using var directory = Make(Path, _name, _owner);
            Replace(_directory.Number, directory.Number);
            RemoveLeftovers();
            SupervisorLog.HeartbeatsMadeAnew(_logger, Path);
        }

        if (IsGone(_workers.Number))
        {
            using var workers = MakeWorkers(_directory, Path, _owner);
            Replace(_workers.Number, workers.Number);
            SupervisorLog.HeartbeatsMadeAnew(_logger, WorkersPath);
        }

        if (_board is { IsClosed: false } board && IsGone((int)board.DangerousGetHandle()))
        {
            using var file = CreateFile(BoardName);
            Replace((int)board.DangerousGetHandle(), (int)file.DangerousGetHandle());
            SupervisorLog.HeartbeatsMadeAnew(_logger, BoardPath);
        }
    }

    private static void Replace(int number, int other)
    {
        var replaced = Result.From(Posix.dup3(other, number, Posix.O_CLOEXEC));
        if (!replaced.Ok)
        {
            throw new NativeException("dup3", replaced);
        }
    }

    private static unsafe bool IsGone(int descriptor)
    {
        LibcFiles.Statx status;
        return Posix.statx(descriptor, "", Posix.AT_EMPTY_PATH, Posix.STATX_BASIC_STATS, &status) == 0 && status.stx_nlink == 0;
    }

    private SafeFileHandle CreateFile(string name)
    {
        _ = LibcFiles.unlinkat(_workers, name, 0);
        var created = Result.From(LibcFiles.openat(
            _workers, name, LibcFiles.O_RDWR | LibcFiles.O_CREAT | LibcFiles.O_EXCL | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, 0b110_000_000));
        if (!created.Ok)
        {
            throw new NativeException($"open {System.IO.Path.Combine(WorkersPath, name)}", created);
        }

        var file = new SafeFileHandle((nint)created.Value, ownsHandle: true);
        if (_owner is { } owner)
        {
            _ = LibcFiles.fchown(file, owner.Uid, owner.Gid);
        }

        _files.Add(name);
        return file;
    }

    // Others may pass through at most, which shows them nothing.
    private static unsafe bool IsOurs(Descriptor directory)
    {
        LibcFiles.Statx status;
        return Posix.statx(directory.Number, "", Posix.AT_EMPTY_PATH, Posix.STATX_BASIC_STATS, &status) == 0
            && status.stx_uid == Libc.geteuid()
            && (status.stx_mode & 0b000_110_110) == 0;
    }

    private void Remove(string name)
    {
        _ = LibcFiles.unlinkat(_workers, name, 0);
        _files.Remove(name);
    }

    // In the directory itself too, where supervisors kept them before there was a subfolder.
    private void RemoveLeftovers()
    {
        foreach (var folder in (Descriptor[])[_directory, _workers])
        {
            foreach (var file in Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{folder.Number}")))
            {
                _ = LibcFiles.unlinkat(folder, System.IO.Path.GetFileName(file), 0);
            }
        }
    }
}
