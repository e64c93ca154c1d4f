using System.Net;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Binding;

/// <summary>What Kestrel asks for a listener for each of the app's endpoints.</summary>
internal sealed class GreenTransportFactory(
    IOptions<GreenTransportOptions> options, ITransportBackend backend, TransportState state, TransportMeter meter, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ILogger _logger = loggers.CreateLogger(Log.Category);

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        var socket = SocketBinder.Bind(endpoint, options.Value);
        var pool = new ConnectionPool(socket.Name, options.Value.WorkerConnections);
        var acceptor = backend.Listen(new ListenerContext(socket, pool, new AcceptReporter(socket.Name, meter, _logger), options.Value));
        state.Add(pool);
        return new(new SharedListener(socket, pool, acceptor, Abandon).Join());
    }

    private ValueTask Abandon(SharedListener listener)
    {
        listener.Socket.Dispose();
        state.Remove(listener.Pool);
        return ValueTask.CompletedTask;
    }
}
