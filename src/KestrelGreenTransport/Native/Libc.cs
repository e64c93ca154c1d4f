using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>libc calls that both the transport and the supervisor need, named as in C.</summary>
internal static unsafe partial class Libc
{
    public const int F_GETFD = 1;
    public const int F_SETFD = 2;
    public const int F_GETFL = 3;
    public const int F_SETFL = 4;
    public const int F_DUPFD_CLOEXEC = 1030;
    public const int FD_CLOEXEC = 1;
    public const int O_NONBLOCK = 0x800;

    public const short POLLIN = 0x001;
    public const short POLLOUT = 0x004;
    public const short POLLERR = 0x008;
    public const short POLLHUP = 0x010;
    public const short POLLNVAL = 0x020;
    public const short POLLRDHUP = 0x2000;

    public const int MSG_DONTWAIT = 0x40;
    public const int MSG_NOSIGNAL = 0x4000;
    public const int MSG_CMSG_CLOEXEC = 0x40000000;

    public const int AT_FDCWD = -100;

    public const int AF_UNIX = 1;
    public const int SOCK_DGRAM = 2;
    public const int SOCK_SEQPACKET = 5;
    public const int SOCK_NONBLOCK = 0x800;
    public const int SOCK_CLOEXEC = 0x80000;

    public const int SOL_SOCKET = 1;
    public const int SO_TYPE = 3;
    public const int SO_ERROR = 4;
    public const int SO_ACCEPTCONN = 30;
    public const int SO_REUSEPORT = 15;
    public const int SO_DOMAIN = 39;
    public const int SCM_RIGHTS = 1;

    public const int IPPROTO_TCP = 6;
    public const int TCP_DEFER_ACCEPT = 9;

    public const int RLIMIT_NOFILE = 7;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int fd;
        public short events;
        public short revents;
    }

    /// <summary>struct timespec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollFd* fds, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint recv(int fd, byte* buffer, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint send(int fd, byte* buffer, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getsockopt(int fd, int level, int name, void* value, int* length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getpid();

    [LibraryImport("libc", SetLastError = true)]
    public static partial uint geteuid();

    /// <summary>Ends the process at once: no finalizers, no exit handlers, no waiting for other threads.</summary>
    [LibraryImport("libc")]
    public static partial void _exit(int status);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getrlimit(int resource, ulong* softAndHard);

    /// <summary>How many descriptors this process may have open; long.MaxValue if that is unlimited or unknown.</summary>
    public static long OpenFilesLimit()
    {
        var limit = stackalloc ulong[2];
        return getrlimit(RLIMIT_NOFILE, limit) == 0 && limit[0] <= long.MaxValue ? (long)limit[0] : long.MaxValue;
    }

    /// <summary>The number that the next descriptor will get.</summary>
    public static Result LowestFreeDescriptor()
    {
        var any = Result.From(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (any.Ok)
        {
            _ = close((int)any.Value);
        }

        return any;
    }

    /// <summary>Makes an inherited descriptor close-on-exec and non-blocking again.</summary>
    public static Result AdoptDescriptor(int fd)
    {
        var cloexec = Result.From(fcntl(fd, F_SETFD, FD_CLOEXEC));
        if (!cloexec.Ok)
        {
            return cloexec;
        }

        var flags = Result.From(fcntl(fd, F_GETFL, 0));
        return flags.Ok ? Result.From(fcntl(fd, F_SETFL, (nint)flags.Value | O_NONBLOCK)) : flags;
    }
}
