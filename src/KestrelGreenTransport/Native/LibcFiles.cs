using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Native;

/// <summary>libc calls for heartbeat files, the board, the access log and folders that are held open, named as in C.</summary>
internal static unsafe partial class LibcFiles
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_NOCTTY = 0x100;
    public const int O_CLOEXEC = 0x80000;
    public const int O_PATH = 0x200000;

    public const int AT_EMPTY_PATH = 0x1000;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const uint STATX_NLINK = 0x4;

    public const int S_IFMT = 0xF000;
    public const int S_IFDIR = 0x4000;
    public const int S_IFREG = 0x8000;
    public const int S_IFLNK = 0xA000;
    public const int S_IFSOCK = 0xC000;
    public const int S_ISVTX = 0x200;

    /// <summary>ARM and POWER have their own number for this flag; 0x20000 means something else there.</summary>
    public static int O_NOFOLLOW { get; } = HasOwnFlags ? 0x8000 : 0x20000;

    public static int O_DIRECTORY { get; } = HasOwnFlags ? 0x4000 : 0x10000;

    private const uint STATX_BASIC_STATS = 0x7ff;

    private static readonly SafeFileHandle CurrentFolder = new(Libc.AT_FDCWD, ownsHandle: false);

    private static bool HasOwnFlags => RuntimeInformation.ProcessArchitecture
        is Architecture.Arm or Architecture.Armv6 or Architecture.Arm64 or Architecture.Ppc64le;

    /// <summary>The beginning of struct statx, which has the same layout on every architecture.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    public struct Statx
    {
        public uint stx_mask;
        public uint stx_blksize;
        public ulong stx_attributes;
        public uint stx_nlink;
        public uint stx_uid;
        public uint stx_gid;
        public ushort stx_mode;
        public ushort stx_spare;
        public ulong stx_ino;
        public ulong stx_size;
        public ulong stx_blocks;
        public ulong stx_attributes_mask;
        public fixed byte stx_times[64];
        public uint stx_rdev_major;
        public uint stx_rdev_minor;
        public uint stx_dev_major;
        public uint stx_dev_minor;

        /// <summary>S_IFREG, S_IFDIR, S_IFSOCK …</summary>
        public readonly int Type => stx_mode & S_IFMT;
    }

    /// <summary>The status of an open file; null if the kernel does not say.</summary>
    public static Statx? StatusOf(SafeHandle file) => StatusOf(file, "", AT_EMPTY_PATH);

    /// <summary>The status of what a path leads to; null if there is nothing.</summary>
    public static Statx? StatusOf(string path) => StatusOf(CurrentFolder, path, 0);

    /// <summary>The status of a name in a folder, of a link itself; null if there is none.</summary>
    public static Statx? StatusOf(SafeHandle folder, string name) => StatusOf(folder, name, AT_SYMLINK_NOFOLLOW);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int openat(SafeHandle directory, string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdirat(SafeHandle directory, string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlinkat(SafeHandle directory, string path, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint readlinkat(SafeHandle directory, string path, byte* buffer, nuint size);

    /// <summary>Sets a file's mode. For a socket that is not bound yet: the mode of the file that it will get, less the umask.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmod(SafeHandle fd, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchown(SafeHandle fd, uint owner, uint group);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pread(SafeFileHandle fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pwrite(SafeHandle fd, byte* buffer, nuint count, long offset);

    private static Statx? StatusOf(SafeHandle folder, string name, int flags)
    {
        Statx status;
        return statx(folder, name, flags, STATX_BASIC_STATS, &status) == 0 ? status : null;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(SafeHandle directory, string path, int flags, uint mask, Statx* status);
}
