using System.Net.Sockets;

namespace KestrelGreenTransport.Supervisor.Listening;

/// <summary>A socket, or why there is none: a sentence, and the kernel's error number or 0.</summary>
internal readonly record struct BindOutcome(BoundListener? Listener, string? Error, int Errno)
{
    /// <summary>The error number, for those errors that a worker distinguishes.</summary>
    public static int ErrnoOf(SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => KestrelGreenTransport.Native.Errno.EADDRINUSE,
        SocketError.AddressNotAvailable => KestrelGreenTransport.Native.Errno.EADDRNOTAVAIL,
        SocketError.AddressFamilyNotSupported => KestrelGreenTransport.Native.Errno.EAFNOSUPPORT,
        SocketError.AccessDenied => KestrelGreenTransport.Native.Errno.EACCES,
        _ => 0,
    };
}
