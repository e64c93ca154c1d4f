using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Native;

/// <summary>libc calls for the beat thread and the lifeline, named as in C.</summary>
internal static unsafe partial class LibcWorker
{
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;

    public const int SO_TYPE = 3;
    public const int SO_DOMAIN = 39;
    public const int SOCK_SEQPACKET = 5;
    public const int MSG_TRUNC = 0x20;

    public const short POLLNVAL = 0x020;
    public const short POLLRDHUP = 0x2000;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(SafeFileHandle fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(SafeFileHandle fd, byte* buffer, nuint count);

    /// <summary>Ends the process at once: no finalizers, no exit handlers, no waiting for other threads.</summary>
    [LibraryImport("libc")]
    public static partial void _exit(int status);
}
