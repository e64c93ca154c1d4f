using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>epoll(7) and eventfd(2), named as in C. Blittable and without <c>SetLastError</c>: see <see cref="SocketCalls.LastError"/>.</summary>
internal static unsafe class EpollCalls
{
    public const int EPOLL_CLOEXEC = 0x80000;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;

    public const uint EPOLLIN = 0x001;
    public const uint EPOLLOUT = 0x004;
    public const uint EPOLLERR = 0x008;
    public const uint EPOLLHUP = 0x010;
    public const uint EPOLLRDHUP = 0x2000;
    public const uint EPOLLEXCLUSIVE = 1u << 28;
    public const uint EPOLLET = 1u << 31;

    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;

    // Only on x86-64 does the kernel pack epoll_event.
    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>The size of one <c>epoll_event</c> on this machine.</summary>
    public static int EventSize => Packed ? 12 : 16;

    private static int DataOffset => Packed ? 4 : 8;

    [DllImport("libc")]
    public static extern int epoll_create1(int flags);

    [DllImport("libc")]
    public static extern int epoll_wait(int epoll, byte* events, int maxEvents, int timeoutMilliseconds);

    [DllImport("libc")]
    public static extern int eventfd(uint initial, int flags);

    public static uint EventsOf(byte* first, int index) => Unsafe.ReadUnaligned<uint>(first + (index * (nint)EventSize));

    public static ulong DataOf(byte* first, int index) => Unsafe.ReadUnaligned<ulong>(first + (index * (nint)EventSize) + DataOffset);

    /// <summary>Adds, changes or removes the interest in a descriptor.</summary>
    public static Result Control(int epoll, int operation, int fd, uint events, ulong data)
    {
        var one = stackalloc byte[16];
        Unsafe.WriteUnaligned(one, events);
        Unsafe.WriteUnaligned(one + DataOffset, data);
        return Result.FromRaw(epoll_ctl(epoll, operation, fd, one));
    }

    [DllImport("libc")]
    private static extern int epoll_ctl(int epoll, int operation, int fd, byte* one);
}
