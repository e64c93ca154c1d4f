namespace KestrelGreenTransport.Native;

/// <summary>Identifies the files of Unix sockets.</summary>
internal static unsafe class SocketFileCalls
{
    private const int S_IFSOCK = 0xC000;

    /// <summary>The identity of the file with this name, if it is a socket; null if it is anything else, or nothing.</summary>
    public static SocketIdentity? IdentityOf(int directory, string name, int flags)
    {
        // struct statx: stx_uid, stx_mode, stx_ino, stx_dev_major and stx_dev_minor.
        var status = stackalloc byte[256];
        return Libc.statx(directory, name, flags, LibcFiles.STATX_BASIC_STATS, status) == 0 && (*(ushort*)(status + 28) & LibcFiles.S_IFMT) == S_IFSOCK
            ? new SocketIdentity(*(uint*)(status + 136), *(uint*)(status + 140), *(ulong*)(status + 32), *(uint*)(status + 20))
            : null;
    }
}

/// <summary>A socket's file: its file system, its inode, its owner.</summary>
internal readonly record struct SocketIdentity(uint Major, uint Minor, ulong Inode, uint Owner);
