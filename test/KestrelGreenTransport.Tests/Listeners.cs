using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Tests;

/// <summary>Listening sockets that represent a supervisor's, a sibling's or a stranger's.</summary>
internal static class Listeners
{
    public static Socket Tcp(IPAddress? address = null, int port = 0)
    {
        address ??= IPAddress.Loopback;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Equals(IPAddress.IPv6Any))
        {
            socket.DualMode = true;
        }

        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(128);
        return socket;
    }

    public static Socket Unix(UnixDomainSocketEndPoint endPoint, int backlog = 128)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(endPoint);
        socket.Listen(backlog);
        return socket;
    }

    /// <summary>Another descriptor of the same socket, like a child process's.</summary>
    public static int Duplicate(Socket socket) => Duplicate((int)socket.Handle);

    public static int Duplicate(int descriptor)
    {
        var copy = Result.From(Libc.fcntl(descriptor, Libc.F_DUPFD_CLOEXEC, 3));
        Assert.True(copy.Ok, copy.ToString());
        return (int)copy.Value;
    }

    /// <summary>A supervisor's listeners, as a worker sees them.</summary>
    public static InheritedSockets Inherit(params Socket[] sockets) => new([.. sockets.Select(InheritedFrom)], isWorker: true);

    private static InheritedSocket InheritedFrom(Socket socket) =>
        InheritedSocket.Adopt(new InheritedListener(Duplicate(socket), ListenEndpoint.Of(socket.LocalEndPoint!)));
}
