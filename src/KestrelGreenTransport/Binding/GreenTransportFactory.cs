using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Answers each of the app's endpoints with a listener: an inherited one where there is one, else one that it binds.
/// A worker binds nothing: its siblings would not share it.
///
/// The backend, and with it its threads, starts with the first endpoint: an app is often built without being started.
/// </summary>
internal sealed class GreenTransportFactory(
    IOptions<GreenTransportOptions> options,
    InheritedSockets inherited,
    MissingEndpoints missing,
    Lazy<ITransportBackend> backend,
    AcceptGate gate,
    TransportState state,
    TransportMeter meter,
    ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    // What a client that is connecting when its listener ends may need for the rest of it.
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly List<SharedListener> _listeners = [];
    private readonly ILogger _logger = loggers.CreateLogger(Log.Category);

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        lock (_lock)
        {
            var found = inherited.Find(endpoint);
            if (found is not null)
            {
                missing.Answered(endpoint);
                return new(Share(found.Endpoint.ToString()) ?? Open(found.Open()));
            }

            return inherited.IsWorker
                ? throw missing.NotInherited(endpoint)
                : new(Open(SocketBinder.Bind(endpoint, options.Value)));
        }
    }

    /// <summary>
    /// Ends the listeners that no other process accepts on. Who has come that far is still accepted: its connection would be
    /// reset otherwise. From then on new clients are refused, which tells a load balancer at once.
    /// </summary>
    /// <param name="limit">How long to wait for a free slot for those who wait.</param>
    /// <param name="time">The clock.</param>
    public async Task EndOwnListenersAsync(TimeSpan limit, TimeProvider time)
    {
        SharedListener[] own;
        lock (_lock)
        {
            own = [.. _listeners.Where(static listener => !listener.Socket.IsShared)];
        }

        if (own.Length == 0)
        {
            return;
        }

        Array.ForEach(own, static listener => listener.DropNewClients());
        var start = time.GetTimestamp();
        while (time.GetElapsedTime(start) is var elapsed
            && (elapsed < HandshakeTime || (elapsed < limit && Array.Exists(own, static listener => listener.HasWaiting()))))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), time);
        }

        foreach (var listener in own)
        {
            await listener.EndAsync();
        }
    }

    private GreenConnectionListener? Share(string name) =>
        _listeners.Where(one => one.Socket.Name == name).Select(static one => one.Join()).FirstOrDefault(static joined => joined is not null);

    private GreenConnectionListener Open(ListenSocket socket)
    {
        // An endpoint that went and came back has its connections of before on the same slots.
        var pool = _listeners.Select(static one => one.Pool).FirstOrDefault(one => one.Endpoint == socket.Name);
        if (pool is null)
        {
            pool = new ConnectionPool(socket.Name, options.Value.WorkerConnections);
            state.Add(pool);
        }

        var acceptor = backend.Value.Listen(new ListenerContext(socket, pool, gate, new AcceptReporter(socket.Name, meter, _logger), options.Value));
        var listener = new SharedListener(socket, pool, acceptor, Forget);
        _listeners.Add(listener);
        return listener.Join()!;
    }

    private void Forget(SharedListener listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
            if (_listeners.TrueForAll(one => one.Pool != listener.Pool))
            {
                state.Remove(listener.Pool);
            }
        }
    }
}
