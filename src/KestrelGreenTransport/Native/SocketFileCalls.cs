using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>The calls of libc behind the files of Unix sockets, named as in C.</summary>
internal static unsafe partial class SocketFileCalls
{
    public const int O_PATH = 0x200000;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;

    private const uint STATX_BASIC_STATS = 0x7ff;
    private const int S_IFMT = 0xF000;
    private const int S_IFSOCK = 0xC000;

    /// <summary>Which file a name stands for, where that is a socket; null where it is anything else, or nothing.</summary>
    public static SocketIdentity? IdentityOf(int directory, string name, int flags)
    {
        // struct statx: stx_uid, stx_mode, stx_ino, stx_dev_major and stx_dev_minor.
        var status = stackalloc byte[256];
        return Libc.statx(directory, name, flags, STATX_BASIC_STATS, status) == 0 && (*(ushort*)(status + 28) & S_IFMT) == S_IFSOCK
            ? new SocketIdentity(*(uint*)(status + 136), *(uint*)(status + 140), *(ulong*)(status + 32), *(uint*)(status + 20))
            : null;
    }

    /// <summary>Sets a file's mode; of a socket that is not bound yet: the mode of the file that it gets, less the umask.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmod(int fd, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int openat(int directory, string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlinkat(int directory, string path, int flags);
}

/// <summary>A socket's file: on which file system, which one, whose.</summary>
internal readonly record struct SocketIdentity(uint Major, uint Minor, ulong Inode, uint Owner);
