using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Binding;

// Another user may make a path lead elsewhere: a folder of theirs on the way can become a link. So a socket's file is
// identified by the folder that it was found in, which is held open, and by its inode. A file with another inode is left
// alone; a file that is not a socket was never ours.

/// <summary>The file of a Unix socket: changes the mode of, and removes, exactly this file.</summary>
internal sealed class SocketFile : IDisposable
{
    private readonly SafeFileHandle _folder;
    private readonly string _name;
    private readonly SocketIdentity _identity;

    private SocketFile(SafeFileHandle folder, string name, SocketIdentity identity)
    {
        _folder = folder;
        _name = name;
        _identity = identity;
    }

    /// <summary>The user id that owns it.</summary>
    public uint Owner => _identity.Owner;

    /// <summary>The socket's file at this path; null if there is none.</summary>
    public static SocketFile? Find(string path)
    {
        var (folder, name) = (Path.GetDirectoryName(path), Path.GetFileName(path));
        var opened = Result.From(LibcFiles.open(folder is { Length: > 0 } ? folder : ".", LibcFiles.O_PATH | LibcFiles.O_DIRECTORY | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            return null;
        }

        var handle = new SafeFileHandle((nint)opened.Value, ownsHandle: true);
        if (IdentityOf(LibcFiles.StatusOf(handle, name)) is { } identity)
        {
            return new SocketFile(handle, name, identity);
        }

        handle.Dispose();
        return null;
    }

    /// <summary>Removes it, if it is still there.</summary>
    public void Remove()
    {
        if (IdentityOf(LibcFiles.StatusOf(_folder, _name)) == _identity)
        {
            _ = LibcFiles.unlinkat(_folder, _name, 0);
        }
    }

    /// <summary>Sets its mode. Returns the reason why that failed, or null.</summary>
    public string? SetMode(UnixFileMode mode)
    {
        var opened = Result.From(LibcFiles.openat(_folder, _name, LibcFiles.O_PATH | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            return opened.Message;
        }

        using var file = new SafeFileHandle((nint)opened.Value, ownsHandle: true);
        if (IdentityOf(LibcFiles.StatusOf(file)) != _identity)
        {
            return "another file has taken its place";
        }

        try
        {
            // chmod through /proc: fchmod refuses descriptors that were opened with O_PATH.
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode($"/proc/self/fd/{opened.Value}", mode);
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    public void Dispose() => _folder.Dispose();

    // Null if it is not a socket, or nothing is there.
    private static SocketIdentity? IdentityOf(LibcFiles.Statx? file) => file is { Type: LibcFiles.S_IFSOCK } socket
        ? new SocketIdentity(socket.stx_dev_major, socket.stx_dev_minor, socket.stx_ino, socket.stx_uid)
        : null;

    /// <summary>Its file system, its inode, its owner.</summary>
    private readonly record struct SocketIdentity(uint Major, uint Minor, ulong Inode, uint Owner);
}
