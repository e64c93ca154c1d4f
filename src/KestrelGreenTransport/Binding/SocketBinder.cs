using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>Binds listening sockets of our own, if none was inherited.</summary>
internal static class SocketBinder
{
    /// <exception cref="AddressInUseException">Another socket already listens there.</exception>
    /// <exception cref="IOException">A Unix socket cannot be bound, or a file handle is not a socket; the message says why and what to do.</exception>
    /// <exception cref="SocketException">The kernel refuses for another reason.</exception>
    public static ListenSocket Bind(EndPoint endPoint, GreenTransportOptions options)
    {
        var socket = Open(endPoint, options);
        try
        {
            switch (endPoint)
            {
                case IPEndPoint ip:
                    socket.Bind(ip);
                    break;

                case UnixDomainSocketEndPoint unix:
                    UnixSocketBinder.Bind(socket, unix, options.UnixFileMode);
                    break;
            }

            // A file handle may listen already: then this only sets its backlog.
            socket.Listen(options.Backlog);
            return new ListenSocket(socket, ListenEndpoint.Of(socket.LocalEndPoint!), isShared: false);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException(exception.Message, exception);
        }
        catch (SocketException exception) when (endPoint is FileHandleEndPoint file)
        {
            socket.Dispose();
            throw NotUsable(file, exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A socket to be bound there, with all options that it needs before.</summary>
    public static Socket Open(EndPoint endPoint, GreenTransportOptions options)
    {
        switch (endPoint)
        {
            case IPEndPoint ip:
                var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    // As in Kestrel's own transport: [::] takes IPv4 too.
                    if (ip.Address.Equals(IPAddress.IPv6Any))
                    {
                        socket.DualMode = true;
                    }

                    SetTcpOptions(socket, options);
                    return socket;
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }

            case UnixDomainSocketEndPoint:
                return new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            case FileHandleEndPoint file:
                return Open(file);
            default:
                throw new NotSupportedException($"{endPoint} ({endPoint.GetType().Name}) is neither TCP, nor a Unix socket, nor a file handle.");
        }
    }

    // Before the socket listens, so that (on Linux) all accepted sockets inherit these options, even the first one in the queue.
    private static void SetTcpOptions(Socket socket, GreenTransportOptions options)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        socket.NoDelay = options.NoDelay;
        if (options.DeferAccept is { } defer)
        {
            Set(Libc.IPPROTO_TCP, Libc.TCP_DEFER_ACCEPT, (int)Math.Ceiling(defer.TotalSeconds));
        }

        if (options.ReusePort)
        {
            Set(Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1);
        }

        void Set(int level, int name, int value) => socket.SetRawSocketOption(level, name, BitConverter.GetBytes(value));
    }

    private static Socket Open(FileHandleEndPoint file)
    {
        var handle = new SafeSocketHandle((nint)file.FileHandle, ownsHandle: true);
        try
        {
            return new Socket(handle);
        }
        catch (SocketException exception)
        {
            // Now, not when the finalizer runs: by then the number may belong to another file.
            handle.Dispose();
            throw NotUsable(file, exception);
        }
    }

    private static IOException NotUsable(FileHandleEndPoint file, SocketException exception) =>
        new($"Cannot listen on fd://{file.FileHandle}: {exception.Message}. The program that starts this process must pass it a bound stream socket by that number.", exception);
}
