using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>Binds listening sockets of our own, where nothing was inherited.</summary>
internal static class SocketBinder
{
    /// <exception cref="AddressInUseException">Somebody listens there already.</exception>
    /// <exception cref="SocketException">The kernel refuses for another reason.</exception>
    public static ListenSocket Bind(EndPoint endPoint, GreenTransportOptions options)
    {
        var socket = endPoint switch
        {
            IPEndPoint ip => new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp),
            _ => throw new NotSupportedException($"{endPoint} is no TCP endpoint."),
        };
        try
        {
            // As in stock: [::] takes IPv4 too.
            if (endPoint is IPEndPoint any && any.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endPoint);
            socket.Listen(options.Backlog);
            return new ListenSocket(socket, isShared: false);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException(exception.Message, exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
