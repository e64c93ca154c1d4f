using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// The private directory of one instance, with a subfolder for its workers' heartbeat files and their board. Symbolic
/// links are not followed.
///
/// The directory belongs to the supervisor, which locks it for as long as it lives, so that two instances of one name cannot
/// mix. If the workers run as another user, that user can pass through the directory but not open it, and so cannot take the lock.
/// The subfolder belongs to the workers' user.
///
/// A cleaner of temporary files, or the end of a login session, may delete the directory. It is created again for the next
/// worker. If a file cannot be created, the worker starts all the same and sends its beats over the lifeline.
///
/// A successor gets the directory with its lock; the files in it stay ours.
/// </summary>
internal sealed class HeartbeatDirectory : HandedOver, IDisposable
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

    // Files are created on the thread that launches workers, and removed on the supervisor's.
    private readonly Lock _lock = new();
    private readonly HashSet<string> _files = [];
    private SafeFileHandle? _board;

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

    /// <summary>The directory's descriptor, which holds the lock on the instance's name.</summary>
    public int Number => _directory.Number;

    /// <summary>The subfolder that belongs to the workers' user.</summary>
    public string WorkersPath => System.IO.Path.Combine(Path, WorkersName);

    public string BoardPath => System.IO.Path.Combine(WorkersPath, BoardName);

    /// <summary>In the service manager's run-time directory if there is one, else in shared memory.</summary>
    public static string PathFor(string name, Func<string, string?> variable, uint user)
    {
        var runtime = variable("RUNTIME_DIRECTORY")?.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return System.IO.Path.Combine(
            runtime is [var first, ..] ? first : "/dev/shm",
            string.Create(CultureInfo.InvariantCulture, $"green-{user}-{name}"));
    }

    /// <summary>Creates the directory, or takes over one left by a dead supervisor of the same name and user.</summary>
    /// <param name="path">Where.</param>
    /// <param name="name">The instance's name, for the error.</param>
    /// <param name="owner">The user that the workers run as, if not ours: then the subfolder belongs to that user.</param>
    /// <param name="logger">For later problems with the directory.</param>
    /// <exception cref="StartupException">It cannot be created, is not ours, or is locked by another instance.</exception>
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
    /// A new, empty heartbeat file for a worker, which no earlier process of this index can write to. If none can be created,
    /// it is /dev/null, which never holds a record, and the worker sends its beats over the lifeline.
    /// </summary>
    /// <exception cref="IOException">No descriptor is left for the file, so none is left for the rest of the worker either.</exception>
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

    /// <summary>The board's file. The caller disposes it; if the board is created again, the handle refers to the new file.</summary>
    public SafeFileHandle CreateBoard()
    {
        lock (_lock)
        {
            return _board = CreateFile(BoardName);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var file in _files.ToArray())
            {
                Remove(file);
            }

            _ = LibcFiles.unlinkat(_directory, WorkersName, LibcFiles.AT_REMOVEDIR);
            if (IsOurs)
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
                $"cannot create the heartbeat directory {path}: {made.Message}. Set RUNTIME_DIRECTORY to a directory that you can write to.");
        }

        var opened = Result.From(LibcFiles.open(path, LibcFiles.O_DIRECTORY | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            throw new StartupException(
                ExitCodes.Unexpected,
                $"{path} is not a directory of this supervisor ({opened.Message}). Remove it, or choose another --name.");
        }

        var directory = new Descriptor((int)opened.Value);
        if (!IsPrivate(directory))
        {
            directory.Dispose();
            throw new StartupException(
                ExitCodes.Unexpected,
                $"{path} belongs to another user or can be read by others, so this supervisor did not create it. Remove it, or choose another --name.");
        }

        if (!Result.From(Posix.flock(directory.Number, Posix.LOCK_EX | Posix.LOCK_NB)).Ok)
        {
            directory.Dispose();
            throw new StartupException(
                ExitCodes.Usage,
                $"a supervisor named '{name}' is already running. Stop it with `green stop --name {name}`, or choose another --name.");
        }

        // Regardless of the umask, and of which users an earlier supervisor let through.
        _ = LibcFiles.fchmod(directory, owner is null ? OwnerOnly : OthersPass);
        return directory;
    }

    // Only we can create it there, so it is ours to hand to a new owner, whichever user an earlier supervisor gave it to.
    private static Descriptor MakeWorkers(Descriptor directory, string path, WorkerIdentity? owner)
    {
        _ = LibcFiles.mkdirat(directory, WorkersName, OwnerOnly);
        var opened = Result.From(LibcFiles.openat(directory, WorkersName, LibcFiles.O_DIRECTORY | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            throw new StartupException(
                ExitCodes.Unexpected,
                $"cannot create the folder {System.IO.Path.Combine(path, WorkersName)}: {opened.Message}. Remove what is there, or choose another --name.");
        }

        var workers = new Descriptor((int)opened.Value);
        _ = LibcFiles.fchown(workers, owner?.Uid ?? Libc.geteuid(), owner?.Gid ?? Posix.getegid());
        _ = LibcFiles.fchmod(workers, OwnerOnly);
        return workers;
    }

    // Descriptor numbers stay the same, so readers of the board continue with the new one. Running workers keep the files they have.
    private void MakeAnewWhatIsGone()
    {
        if (RecordFile.IsDeleted(_directory))
        {
            using var directory = Make(Path, _name, _owner);
            Replace(_directory.Number, directory.Number);
            RemoveLeftovers();
            SupervisorLog.HeartbeatsMadeAnew(_logger, Path);
        }

        if (RecordFile.IsDeleted(_workers))
        {
            using var workers = MakeWorkers(_directory, Path, _owner);
            Replace(_workers.Number, workers.Number);
            SupervisorLog.HeartbeatsMadeAnew(_logger, WorkersPath);
        }

        if (_board is { IsClosed: false } board && RecordFile.IsDeleted(board))
        {
            using var file = CreateFile(BoardName);
            Replace((int)board.DangerousGetHandle(), (int)file.DangerousGetHandle());
            SupervisorLog.HeartbeatsMadeAnew(_logger, BoardPath);
        }
    }

    private static void Replace(int number, int other)
    {
        var replaced = Result.From(Posix.dup3(other, number, LibcFiles.O_CLOEXEC));
        if (!replaced.Ok)
        {
            throw new NativeException("dup3", replaced);
        }
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

    // Other users may pass through at most, which shows them nothing.
    private static bool IsPrivate(Descriptor directory) =>
        LibcFiles.StatusOf(directory) is { } status && status.stx_uid == Libc.geteuid() && (status.stx_mode & 0b000_110_110) == 0;

    private void Remove(string name)
    {
        _ = LibcFiles.unlinkat(_workers, name, 0);
        _files.Remove(name);
    }

    // In the directory itself too: earlier versions kept the files there.
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
