using System.Buffers.Binary;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>How many connections wait in the kernel's accept queue of a Unix listener. Of a TCP listener: <see cref="ListenerCalls.Queued"/>.</summary>
internal static unsafe class ListenQueue
{
    private const int NetlinkHeader = 16;
    private const int UnixDiagMessage = 16;
    private const ushort SockDiagByFamily = 20;
    private const ushort NlmFlagRequest = 1;
    private const uint ShowQueueLength = 0x10;
    private const ushort QueueLengthAttribute = 4;

    /// <summary>The queue of a Unix listener, by its inode (sock_diag); 0 when the kernel does not say.</summary>
    public static long OfUnix(uint inode)
    {
        var opened = Result.From(Libc.socket(Posix.AF_NETLINK, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, Posix.NETLINK_SOCK_DIAG));
        if (!opened.Ok)
        {
            return 0;
        }

        using var netlink = new Descriptor((int)opened.Value);

        // struct nlmsghdr, then struct unix_diag_req { family, protocol, pad, states, inode, show, cookie[2] }.
        Span<byte> request = stackalloc byte[NetlinkHeader + 24];
        request.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(request[4..], SockDiagByFamily);
        BinaryPrimitives.WriteUInt16LittleEndian(request[6..], NlmFlagRequest);
        request[NetlinkHeader] = Libc.AF_UNIX;
        BinaryPrimitives.WriteUInt32LittleEndian(request[(NetlinkHeader + 4)..], uint.MaxValue);
        BinaryPrimitives.WriteUInt32LittleEndian(request[(NetlinkHeader + 8)..], inode);
        BinaryPrimitives.WriteUInt32LittleEndian(request[(NetlinkHeader + 12)..], ShowQueueLength);
        request[(NetlinkHeader + 16)..].Fill(0xff);

        Span<byte> answer = stackalloc byte[1024];
        nint received;
        fixed (byte* sent = request, read = answer)
        {
            if (Libc.send(netlink.Number, sent, (nuint)request.Length, 0) < 0)
            {
                return 0;
            }

            received = Libc.recv(netlink.Number, read, (nuint)answer.Length, Libc.MSG_DONTWAIT);
        }

        return received > 0 ? QueueLength(answer[..(int)received]) : 0;
    }

    private static long QueueLength(ReadOnlySpan<byte> answer)
    {
        if (answer.Length < NetlinkHeader || BinaryPrimitives.ReadUInt16LittleEndian(answer[4..]) != SockDiagByFamily)
        {
            return 0;
        }

        for (var at = NetlinkHeader + UnixDiagMessage; at + 4 <= answer.Length;)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(answer[at..]);
            if (BinaryPrimitives.ReadUInt16LittleEndian(answer[(at + 2)..]) == QueueLengthAttribute && at + 8 <= answer.Length)
            {
                return BinaryPrimitives.ReadUInt32LittleEndian(answer[(at + 4)..]);
            }

            at += Math.Max(4, (length + 3) & ~3);
        }

        return 0;
    }
}
