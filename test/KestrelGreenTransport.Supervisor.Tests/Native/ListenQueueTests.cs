using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Listening;

namespace KestrelGreenTransport.Supervisor.Tests.Native;

public class ListenQueueTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Clients_that_nobody_accepted_yet_are_counted(bool unix)
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        EndPoint at = unix ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.Loopback, 0);
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(at);
        socket.Listen(16);
        var bound = socket.LocalEndPoint!;
        using var listener = new BoundListener(ListenEndpoint.Of(bound), socket, key: null, backlog: 16, ownsPath: true, unix ? SocketFile.Find(path) : null);
        Assert.Equal(0, listener.Queued());

        var clients = Enumerable.Range(0, 3).Select(_ => new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Unspecified)).ToList();
        clients.ForEach(client => client.Connect(bound));

        Assert.Equal(3, listener.Queued());
        clients.ForEach(client => client.Dispose());
    }
}
