using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Proxying;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.WarmUp;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// Gives each of the app's endpoints a listener: an inherited one if there is one, otherwise one that it binds.
/// A worker binds nothing, because its siblings would not share the socket: it asks the supervisor.
///
/// The backend, and with it its threads, starts with the first endpoint: an app is often built without being started.
/// </summary>
internal sealed class GreenTransportFactory(
    IOptions<GreenTransportOptions> options,
    IOptions<KestrelServerOptions> kestrel,
    InheritedSockets inherited,
    MissingEndpoints missing,
    BindRequests broker,
    Lazy<ITransportBackend> backend,
    AcceptGate gate,
    ISiblings siblings,
    InMemoryListeners inMemory,
    TransportState state,
    TransportMeter meter,
    TransportClock clock,
    ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly Lock _lock = new();
    private readonly List<SharedListener> _listeners = [];
    private readonly TimeProvider _time = clock.Time;
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
                var name = found.Endpoint.ToString();
                if (!inherited.Claims.TryClaim(name, this))
                {
                    throw missing.Taken(endpoint, name);
                }

                missing.Answered(endpoint);
                return new(Share(name) ?? Open(found.Open()));
            }

            if (!inherited.IsWorker)
            {
                return new(Open(SocketBinder.Bind(endpoint, options.Value)));
            }
        }

        return inherited.HasBroker && endpoint is not FileHandleEndPoint
            ? new(AskAsync(endpoint, cancellationToken))
            : throw missing.NotInherited(endpoint);
    }

    private async Task<IConnectionListener> AskAsync(EndPoint endpoint, CancellationToken cancellationToken)
    {
        var asked = ListenEndpoint.Of(endpoint);
        var answer = await broker.AskAsync(asked, cancellationToken);
        if (answer.Descriptor is not { } descriptor)
        {
            throw missing.NotBound(endpoint, answer.Error ?? $"the supervisor did not say why it cannot bind {asked}", answer.Errno ?? 0);
        }

        var socket = InheritedSocket.Receive(descriptor, asked);
        lock (_lock)
        {
            if (!inherited.Claims.TryClaim(socket.Name, this))
            {
                socket.Dispose();
                throw missing.Taken(endpoint, socket.Name);
            }

            missing.Answered(endpoint);
            if (Share(socket.Name) is { } joined)
            {
                socket.Dispose();
                return joined;
            }

            return Open(socket);
        }
    }

    /// <summary>
    /// Ends the listeners that no other process accepts on. Clients that have already connected are still accepted, because their
    /// connections would be reset otherwise. From then on new clients are refused, which a load balancer notices at once.
    /// </summary>
    /// <param name="lingers">Whether those that are connecting right now are waited for.</param>
    public async Task EndOwnListenersAsync(bool lingers)
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
        var start = _time.GetTimestamp();
        while (!DrainGrace.IsOver(_time.GetElapsedTime(start), Array.Exists(own, static listener => listener.HasWaiting()), lingers))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), _time);
        }

        // All at once: none of them waits for another one, nor for one that fails.
        await Task.WhenAll(own.Select(static listener => listener.EndAsync()));
    }

    private GreenConnectionListener? Share(string name) =>
        _listeners.Where(one => one.Socket.Name == name).Select(one => one.Join(inMemory.Add())).FirstOrDefault(static joined => joined is not null);

    private GreenConnectionListener Open(ListenSocket socket)
    {
        // If an endpoint was unbound and is bound again, its earlier connections still hold slots of the same pool.
        var pool = _listeners.Select(static one => one.Pool).FirstOrDefault(one => one.Endpoint == socket.Name);
        if (pool is null)
        {
            pool = new ConnectionPool(socket.Name, options.Value.WorkerConnections);
            state.Add(pool);
        }

        siblings.StartSlowly(options.Value.SlowStart);
        var context = new ListenerContext(socket, pool, gate, siblings, new AcceptReporter(socket.Name, meter, _logger), options.Value);
        var acceptor = backend.Value.Listen(context);
        if (options.Value.ProxyProtocol != GreenTransportProxyProtocol.Off)
        {
            acceptor = new ProxyProtocolAcceptor(acceptor, options.Value, new ProxyProtocolReporter(socket.Name, meter, _logger, _time), _time);
        }

        var abandoned = new AbandonedReclaim(pool, backend.Value.Connections, _time);
        IDisposable[] reclaims = options.Value.IdleReclaim
            ? [abandoned, new IdleReclaim(context, backend.Value.Connections, _time, kestrel.Value.Limits.KeepAliveTimeout)]
            : [abandoned];
        var listener = new SharedListener(socket, pool, acceptor, reclaims, Forget);
        _listeners.Add(listener);
        return listener.Join(inMemory.Add())!;
    }

    private void Forget(SharedListener listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
            if (_listeners.TrueForAll(one => one.Pool != listener.Pool))
            {
                state.Remove(listener.Pool);
                inherited.Claims.Release(listener.Socket.Name, this);
            }
        }
    }
}
