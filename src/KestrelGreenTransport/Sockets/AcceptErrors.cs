using System.Net.Sockets;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Sockets;

/// <summary>What a failed accept of .NET's socket means in the kernel's words.</summary>
internal static class AcceptErrors
{
    public static int ToErrno(Exception exception) => exception switch
    {
        // The descriptor is gone: closed under us.
        ObjectDisposedException => Errno.EBADF,
        SocketException socket => socket.SocketErrorCode switch
        {
            // .NET's name for EBADF and for an operation that the socket's end cut short.
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

        // Anything else is a surprise: the policy pauses for it, so that surprises cannot make a loop spin.
        _ => Errno.EPROTO,
    };
}
