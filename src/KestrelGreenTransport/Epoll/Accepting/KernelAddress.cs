using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Accepting;

/// <summary>Reads the kernel's socket addresses.</summary>
internal static unsafe class KernelAddress
{
    private static readonly EndPoint UnnamedUnix =
        new UnixDomainSocketEndPoint("/").Create(new System.Net.SocketAddress(AddressFamily.Unix, 2));

    /// <summary>The endpoint in a sockaddr, or null for an unknown address family.</summary>
    public static EndPoint? Read(byte* address, uint length)
    {
        if (length < sizeof(ushort))
        {
            return null;
        }

        var bytes = new ReadOnlySpan<byte>(address, (int)Math.Min(length, SocketCalls.MaxAddress));
        switch (MemoryMarshal.Read<ushort>(bytes))
        {
            case SocketCalls.AF_INET when length >= 8:
                return new IPEndPoint(new IPAddress(bytes.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
            case SocketCalls.AF_INET6 when length >= 28:
                var scope = MemoryMarshal.Read<uint>(bytes[24..]);
                return new IPEndPoint(new IPAddress(bytes.Slice(8, 16), scope), BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
            case SocketCalls.AF_UNIX:
                return UnnamedUnix;
            default:
                return null;
        }
    }

    /// <summary>The local endpoint of an accepted connection.</summary>
    public static EndPoint? LocalOf(int descriptor)
    {
        var address = stackalloc byte[SocketCalls.MaxAddress];
        var length = (uint)SocketCalls.MaxAddress;
        return SocketCalls.getsockname(descriptor, address, &length) == 0 ? Read(address, length) : null;
    }
}
