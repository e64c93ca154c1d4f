using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>
/// The calls that move bytes and accept connections, named as in C. Blittable and without <c>SetLastError</c>: after a -1,
/// the error is in <see cref="LastError"/>.
/// </summary>
internal static unsafe class SocketCalls
{
    public const int AF_UNSPEC = 0;
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int AF_INET6 = 10;

    public const int SOCK_NONBLOCK = 0x800;
    public const int SOCK_CLOEXEC = 0x80000;

    public const int SHUT_WR = 1;
    public const int SHUT_RDWR = 2;
    public const int MSG_TRUNC = 0x20;
    public const nuint FIONREAD = 0x541B;

    /// <summary>
    /// errno of the call just made on this thread. The runtime preserves it across the return from native code, so a hot call
    /// reads it only after a -1 instead of clearing and copying it each time.
    /// </summary>
    public static int LastError => Marshal.GetLastSystemError();

    /// <summary>The largest socket address that occurs here (sockaddr_un, rounded up).</summary>
    public const int MaxAddress = 128;

    [StructLayout(LayoutKind.Sequential)]
    public struct IOVector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IOVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [DllImport("libc")]
    public static extern nint recv(int fd, byte* buffer, nuint count, int flags);

    [DllImport("libc")]
    public static extern nint readv(int fd, IOVector* vectors, int count);

    [DllImport("libc")]
    public static extern nint send(int fd, byte* buffer, nuint count, int flags);

    [DllImport("libc")]
    public static extern nint sendmsg(int fd, MessageHeader* message, int flags);

    [DllImport("libc")]
    public static extern nint recvmsg(int fd, MessageHeader* message, int flags);

    [DllImport("libc")]
    public static extern int accept4(int fd, byte* address, uint* length, int flags);

    [DllImport("libc")]
    public static extern int getsockname(int fd, byte* address, uint* length);

    /// <summary>The socket's pending error, which this clears; 0 for none.</summary>
    public static int PendingError(int fd)
    {
        var error = 0;
        var length = sizeof(int);
        return Libc.getsockopt(fd, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &length) == 0 ? error : 0;
    }

    [DllImport("libc")]
    public static extern int shutdown(int fd, int how);

    [DllImport("libc")]
    public static extern int connect(int fd, byte* address, uint length);

    [DllImport("libc")]
    public static extern int close(int fd);

    [DllImport("libc")]
    public static extern int ioctl(int fd, nuint request, int* value);

    [DllImport("libc")]
    public static extern nint write(int fd, void* buffer, nuint count);

    [DllImport("libc")]
    public static extern nint read(int fd, void* buffer, nuint count);
}
