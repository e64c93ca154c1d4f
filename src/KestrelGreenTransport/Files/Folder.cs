using System.Text;
using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Files;

// A symbolic link that another user could have made is never followed, neither on the way to a folder nor in it. The target
// of a link of ours in a folder of ours is checked the same way.
// Once open, a folder is used only through its descriptor: where its path leads later does not matter.

/// <summary>A folder that is held open, reached without following a link that another user could have made.</summary>
internal sealed class Folder : IDisposable
{
    // The kernel's own limits.
    private const int MostLinks = 40;
    private const int LongestPath = 4096;

    // Another user may nest folders without end.
    private const int MostDepth = 64;

    private const int Way = LibcFiles.O_PATH;

    private readonly SafeFileHandle _handle;

    private Folder(SafeFileHandle handle, FolderAccess access, FolderAccess ownAccess, bool isKernels)
    {
        _handle = handle;
        Access = access;
        OwnAccess = ownAccess;
        IsKernels = isKernels;
    }

    /// <summary>Who may change where its path leads: names in it, or in a folder above it.</summary>
    public FolderAccess Access { get; }

    /// <summary>Who may change the names in this folder, regardless of those above it.</summary>
    public FolderAccess OwnAccess { get; }

    /// <summary>Whether it is in /proc, whose links are the kernel's: some of them lead to files without a path.</summary>
    public bool IsKernels { get; }

    /// <summary>Its present path, for messages.</summary>
    public string Name => new FileInfo(Proc).LinkTarget ?? "?";

    /// <summary>The names in it.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">They cannot be read.</exception>
    public IReadOnlyList<string> Names => [.. Directory.EnumerateFileSystemEntries(Proc).Select(static path => Path.GetFileName(path))];

    /// <summary>Whether it belongs to this process's user or to root.</summary>
    public bool IsOurs => LibcFiles.StatusOf(_handle) is { } status && BelongsToUs(status);

    /// <summary>The status of the folder itself.</summary>
    public LibcFiles.Statx Status => LibcFiles.StatusOf(_handle) ?? default;

    private string Proc => $"/proc/self/fd/{_handle.DangerousGetHandle()}";

    /// <summary>Opens a folder by its path. ELOOP: a symbolic link on the way cannot be trusted.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="folder">The caller disposes it; null if it cannot be opened.</param>
    public static Result Open(string path, out Folder? folder) => Walk(path, toFile: false, out folder, out _);

    /// <summary>Opens the folder that a file is in or would be in, and follows the file's own link if it can be trusted.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="folder">The caller disposes it; null if it cannot be opened.</param>
    /// <param name="name">The file's name in the folder. If that is still a link, it must not be followed, unless it is the kernel's.</param>
    public static Result OpenOf(string path, out Folder? folder, out string name) => Walk(path, toFile: true, out folder, out name);

    /// <summary>Opens a folder, and creates missing folders on the way, all with this mode.</summary>
    public static Result Make(string path, uint mode, out Folder? folder)
    {
        var opened = Open(path, out folder);
        if (opened.Error != Errno.ENOENT || Path.GetDirectoryName(path) is not { } above)
        {
            return opened;
        }

        var made = Make(above, mode, out var parent);
        if (parent is null)
        {
            return made;
        }

        using (parent)
        {
            return parent.MakeIn(Path.GetFileName(path), mode, out folder);
        }
    }

    /// <summary>Opens a folder in this one. If it does not exist, creates it with this mode, whatever the umask is. Follows no link.</summary>
    public Result MakeIn(string name, uint mode, out Folder? folder)
    {
        folder = null;
        var made = Result.From(LibcFiles.mkdirat(_handle, name, mode));
        if (!made.Ok && made.Error != Errno.EEXIST)
        {
            return made;
        }

        // Not with O_PATH: its mode may have to be set.
        var opened = Open(name, LibcFiles.O_RDONLY | LibcFiles.O_DIRECTORY, 0, out var handle);
        if (handle is null)
        {
            return opened;
        }

        if (made.Ok)
        {
            _ = LibcFiles.fchmod(handle, mode);
        }

        folder = Enter(handle, Access);
        return opened;
    }

    /// <summary>A folder in this one; null if there is none. Follows no link.</summary>
    public Folder? Enter(string name)
    {
        _ = Open(name, Way | LibcFiles.O_DIRECTORY, 0, out var handle);
        return handle is null ? null : Enter(handle, Access);
    }

    /// <summary>Opens the file with this name here. Follows no link.</summary>
    public Result Open(string name, int flags, uint mode, out SafeFileHandle? file)
    {
        var opened = Result.From(LibcFiles.openat(_handle, name, flags | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, mode));
        file = opened.Ok ? new SafeFileHandle((nint)opened.Value, ownsHandle: true) : null;
        return opened;
    }

    /// <summary>Opens the target of one of the kernel's links.</summary>
    public Result OpenKernels(string name, int flags, out SafeFileHandle? file)
    {
        var opened = Result.From(LibcFiles.openat(_handle, name, flags | LibcFiles.O_CLOEXEC, 0));
        file = opened.Ok ? new SafeFileHandle((nint)opened.Value, ownsHandle: true) : null;
        return opened;
    }

    /// <summary>Sets the folder's owner and mode.</summary>
    public void Give(uint user, uint group, uint mode)
    {
        if (Open(".", LibcFiles.O_RDONLY | LibcFiles.O_DIRECTORY, 0, out var handle) is { Ok: true } && handle is not null)
        {
            using (handle)
            {
                _ = LibcFiles.fchown(handle, user, group);
                _ = LibcFiles.fchmod(handle, mode);
            }
        }
    }

    /// <summary>The status of a name here; null if there is none. Of a link: of the link itself.</summary>
    public LibcFiles.Statx? StatusOf(string name) => LibcFiles.StatusOf(_handle, name);

    /// <summary>Removes a name that is not a folder's.</summary>
    public Result Remove(string name) => Result.From(LibcFiles.unlinkat(_handle, name, 0));

    /// <summary>Removes a name, with everything below it if it is a folder. Follows no link; what cannot be removed stays.</summary>
    public void RemoveAll(string name) => RemoveAll(name, MostDepth);

    public void Dispose() => _handle.Dispose();

    private void RemoveAll(string name, int depth)
    {
        if (Remove(name).Ok || depth == 0 || Open(name, LibcFiles.O_DIRECTORY, 0, out var handle) is { Ok: false } || handle is null)
        {
            return;
        }

        using (var below = Enter(handle, Access))
        {
            try
            {
                foreach (var one in below.Names)
                {
                    below.RemoveAll(one, depth - 1);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // We may not read it. Its content stays, and so does the folder.
            }
        }

        _ = LibcFiles.unlinkat(_handle, name, LibcFiles.AT_REMOVEDIR);
    }

    private static Result Walk(string path, bool toFile, out Folder? folder, out string name)
    {
        var rest = new Stack<string>();
        Push(rest, path);
        var at = Root();
        var links = 0;
        name = "";
        while (rest.TryPop(out var next))
        {
            var isLast = toFile && rest.Count == 0;
            var opened = at.Open(next, Way, 0, out var entry);
            if (entry is null)
            {
                if (isLast)
                {
                    // The caller may be about to create it.
                    name = next;
                    break;
                }

                at.Dispose();
                folder = null;
                return opened;
            }

            var status = LibcFiles.StatusOf(entry) ?? default;
            if (status.Type == LibcFiles.S_IFLNK)
            {
                var target = TargetOf(entry);
                entry.Dispose();
                var mayFollow = MayFollow(at.Access, status) && ++links <= MostLinks;
                if (isLast && (!mayFollow || (at.IsKernels && !Path.IsPathRooted(target))))
                {
                    name = next;
                    break;
                }

                if (!mayFollow)
                {
                    at.Dispose();
                    folder = null;
                    return new Result(-1, Errno.ELOOP);
                }

                if (Path.IsPathRooted(target))
                {
                    at.Dispose();
                    at = Root();
                }

                Push(rest, target);
            }
            else if (isLast)
            {
                entry.Dispose();
                name = next;
                break;
            }
            else
            {
                var below = Enter(entry, at.Access);
                at.Dispose();
                at = below;
            }
        }

        if (at.Status.Type != LibcFiles.S_IFDIR)
        {
            at.Dispose();
            folder = null;
            return new Result(-1, Errno.ENOTDIR);
        }

        folder = at;
        return new Result(0, 0);
    }

    private static void Push(Stack<string> rest, string path)
    {
        foreach (var component in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            rest.Push(component);
        }
    }

    private static Folder Root()
    {
        var opened = Result.From(LibcFiles.open("/", Way | LibcFiles.O_DIRECTORY | LibcFiles.O_CLOEXEC, 0));
        return Enter(new SafeFileHandle((nint)opened.Value, ownsHandle: true), FolderAccess.OursAlone);
    }

    // Below a folder that others may replace, everything may be theirs.
    private static Folder Enter(SafeFileHandle handle, FolderAccess above)
    {
        var status = LibcFiles.StatusOf(handle) ?? default;
        var own = AccessOf(status);
        return new Folder(handle, MayFollow(above, status) ? own : FolderAccess.Others, own, IsOfProc(status));
    }

    private static FolderAccess AccessOf(in LibcFiles.Statx status) =>
        !BelongsToUs(status) ? FolderAccess.Others
        : (status.stx_mode & 0b000_010_010) == 0 ? FolderAccess.OursAlone
        : (status.stx_mode & LibcFiles.S_ISVTX) != 0 ? FolderAccess.Sticky
        : FolderAccess.Others;

    private static bool MayFollow(FolderAccess folder, in LibcFiles.Statx entry) =>
        folder == FolderAccess.OursAlone || (folder == FolderAccess.Sticky && BelongsToUs(entry));

    private static bool BelongsToUs(in LibcFiles.Statx status) => status.stx_uid == 0 || status.stx_uid == Libc.geteuid();

    private static bool IsOfProc(in LibcFiles.Statx status) =>
        LibcFiles.StatusOf("/proc") is { } proc && (proc.stx_dev_major, proc.stx_dev_minor) == (status.stx_dev_major, status.stx_dev_minor);

    private static unsafe string TargetOf(SafeFileHandle link)
    {
        Span<byte> target = stackalloc byte[LongestPath];
        fixed (byte* start = target)
        {
            var length = LibcFiles.readlinkat(link, "", start, LongestPath);
            return length > 0 ? Encoding.UTF8.GetString(target[..(int)length]) : "";
        }
    }
}
