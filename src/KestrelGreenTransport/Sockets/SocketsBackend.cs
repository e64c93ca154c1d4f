using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Sockets;

/// <summary>The portable backend: .NET's sockets, and the connections of Kestrel's own socket transport.</summary>
internal sealed class SocketsBackend : ITransportBackend
{
    private readonly SocketConnectionContextFactory _connections;
    private readonly TimeProvider _time;

    public SocketsBackend(IOptions<GreenTransportOptions> options, ILoggerFactory loggers, TimeProvider time)
    {
        var settings = options.Value;
        _connections = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions
            {
                MaxReadBufferSize = settings.MaxReadBufferSize,
                MaxWriteBufferSize = settings.MaxWriteBufferSize,
            },
            loggers.CreateLogger(Log.Category));
        _time = time;
    }

    public IAcceptor Listen(ListenerContext listener) => new SocketsAcceptor(listener, _connections, _time);

    public ValueTask DisposeAsync()
    {
        _connections.Dispose();
        return ValueTask.CompletedTask;
    }
}
