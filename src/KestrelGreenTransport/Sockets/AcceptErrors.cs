using System.Net.Sockets;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Sockets;

/// <summary>Translates the errors of a failed accept on .NET's sockets to the kernel's error numbers.</summary>
internal static class AcceptErrors
{
    public static int ToErrno(Exception exception) => exception switch
    {
        // The descriptor has been closed.
        ObjectDisposedException => Errno.EBADF,
        SocketException socket => socket.SocketErrorCode switch
        {
            // .NET's name for EBADF, and for a call that was cut short because the socket was closed.
            SocketError.OperationAborted => Errno.EBADF,
            SocketError.NotSocket => Errno.ENOTSOCK,
            SocketError.InvalidArgument => Errno.EINVAL,
            SocketError.Interrupted => Errno.EINTR,
            SocketError.WouldBlock => Errno.EAGAIN,
            SocketError.TooManyOpenSockets => Errno.EMFILE,
            SocketError.NoBufferSpaceAvailable => Errno.ENOBUFS,
            SocketError.ConnectionAborted => Errno.ECONNABORTED,
            SocketError.ConnectionReset => Errno.ECONNRESET,
            SocketError.AccessDenied => Errno.EPERM,
            _ => socket.NativeErrorCode,
        },

        // Anything else is unexpected: the policy pauses, so that it cannot make a loop spin.
        _ => Errno.EPROTO,
    };
}
