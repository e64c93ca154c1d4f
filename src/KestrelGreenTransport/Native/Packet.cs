using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Native;

/// <summary>
/// Packets on Unix sockets that carry a descriptor (SCM_RIGHTS). The layouts are those of 64-bit Linux, the same for
/// glibc and musl.
/// </summary>
internal static unsafe class Packet
{
    // A cmsghdr is 16 bytes; its data, here 32-bit numbers, follows and is padded to 8.
    private const int ControlHeader = 16;

    // The kernel accepts up to 253 in one packet. Our peers never send more than a few; the kernel closes the rest.
    private const int MostReceived = 8;

    /// <summary>Sends a packet without waiting, with a descriptor if there is one.</summary>
    /// <param name="socket">The socket to send on.</param>
    /// <param name="bytes">The packet.</param>
    /// <param name="descriptor">A descriptor to send with it, of which the other side gets a copy; null for none.</param>
    /// <param name="to">A socket address, for a socket that is not connected.</param>
    public static Result Send(int socket, ReadOnlySpan<byte> bytes, int? descriptor, ReadOnlySpan<byte> to = default)
    {
        var control = stackalloc long[3];
        fixed (byte* start = bytes, name = to)
        {
            var part = new SocketCalls.IOVector { Base = start, Length = (nuint)bytes.Length };
            var message = new SocketCalls.MessageHeader { Name = name, NameLength = (uint)to.Length, Vectors = &part, VectorCount = 1 };
            if (descriptor is { } number)
            {
                Head(control, number);
                message.Control = control;
                message.ControlLength = 3 * sizeof(long);
            }

            return Result.FromRaw(SocketCalls.sendmsg(socket, &message, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL));
        }
    }

    /// <summary>
    /// Receives one packet without waiting. A packet larger than the buffer is cut short, and the value is its whole length.
    /// </summary>
    /// <param name="socket">The socket to receive on.</param>
    /// <param name="buffer">Receives the packet.</param>
    /// <param name="descriptor">The descriptor that came with it, already close-on-exec; the caller owns it.</param>
    public static Result Receive(int socket, Span<byte> buffer, out SafeFileHandle? descriptor)
    {
        descriptor = null;
        var control = stackalloc byte[ControlHeader + (MostReceived * sizeof(int))];
        fixed (byte* start = buffer)
        {
            var part = new SocketCalls.IOVector { Base = start, Length = (nuint)buffer.Length };
            var message = new SocketCalls.MessageHeader
            {
                Vectors = &part,
                VectorCount = 1,
                Control = control,
                ControlLength = ControlHeader + (MostReceived * sizeof(int)),
            };
            var received = Result.FromRaw(SocketCalls.recvmsg(socket, &message, Libc.MSG_DONTWAIT | SocketCalls.MSG_TRUNC | Libc.MSG_CMSG_CLOEXEC));
            if (received.Ok && message.ControlLength > ControlHeader)
            {
                descriptor = First(control, (int)message.ControlLength);
            }

            return received;
        }
    }

    private static void Head(long* control, int descriptor)
    {
        control[0] = ControlHeader + sizeof(int);
        var rest = (int*)(control + 1);
        rest[0] = Libc.SOL_SOCKET;
        rest[1] = Libc.SCM_RIGHTS;
        rest[2] = descriptor;
        rest[3] = 0;
    }

    private static SafeFileHandle? First(byte* control, int length)
    {
        var kinds = (int*)(control + sizeof(long));
        if (kinds[0] != Libc.SOL_SOCKET || kinds[1] != Libc.SCM_RIGHTS)
        {
            return null;
        }

        var count = ((int)Math.Min(*(long*)control, length) - ControlHeader) / sizeof(int);
        var numbers = (int*)(control + ControlHeader);
        for (var i = 1; i < count; i++)
        {
            _ = Libc.close(numbers[i]);
        }

        return count > 0 ? new SafeFileHandle(numbers[0], ownsHandle: true) : null;
    }
}
