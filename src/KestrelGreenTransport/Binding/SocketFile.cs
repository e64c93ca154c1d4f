using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Binding;

// A path is a name that others may give to something else: a folder of theirs on the way can become a link to another. So a
// socket's file is known by the folder that it was found in, which is held open, and by its inode. What has another one by now
// is left alone; what is no socket never was ours.

/// <summary>The file of a Unix socket, for changing its rights and removing it: it and no other.</summary>
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

    /// <summary>Whose it is.</summary>
    public uint Owner => _identity.Owner;

    private int Folder => (int)_folder.DangerousGetHandle();

    /// <summary>The socket's file at this path; null where there is none.</summary>
    public static SocketFile? Find(string path)
    {
        var (folder, name) = (Path.GetDirectoryName(path), Path.GetFileName(path));
        var opened = Result.From(LibcFiles.open(folder is { Length: > 0 } ? folder : ".", LibcFiles.O_PATH | LibcFiles.O_DIRECTORY | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            return null;
        }

        var handle = new SafeFileHandle((nint)opened.Value, ownsHandle: true);
        if (SocketFileCalls.IdentityOf((int)opened.Value, name, LibcFiles.AT_SYMLINK_NOFOLLOW) is { } identity)
        {
            return new SocketFile(handle, name, identity);
        }

        handle.Dispose();
        return null;
    }

    /// <summary>Removes it, if it is still there.</summary>
    public void Remove()
    {
        if (SocketFileCalls.IdentityOf(Folder, _name, LibcFiles.AT_SYMLINK_NOFOLLOW) == _identity)
        {
            _ = LibcFiles.unlinkat(_folder, _name, 0);
        }
    }

    /// <summary>Sets its rights. Returns what was against it; null for nothing.</summary>
    public string? SetMode(UnixFileMode mode)
    {
        var opened = Result.From(LibcFiles.openat(_folder, _name, LibcFiles.O_PATH | LibcFiles.O_NOFOLLOW | LibcFiles.O_CLOEXEC, 0));
        if (!opened.Ok)
        {
            return opened.Message;
        }

        using var file = new SafeFileHandle((nint)opened.Value, ownsHandle: true);
        if (SocketFileCalls.IdentityOf((int)opened.Value, "", LibcFiles.AT_EMPTY_PATH) != _identity)
        {
            return "another file stands there by now";
        }

        try
        {
            // chmod by the descriptor's own name: fchmod refuses descriptors that were opened for their path alone.
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
}
