using System.Buffers;
using System.Collections.Concurrent;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Sockets;

/// <summary>The portable backend: .NET's sockets, and the connections of Kestrel's own socket transport.</summary>
internal sealed class SocketsBackend : ITransportBackend, IMemoryPoolFeature
{
    private readonly SocketConnectionContextFactory _connections;
    private readonly TransportState _state;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<WeakReference<SlotConnection>, byte> _open = [];
    private readonly ILogger _logger;
    private readonly SocketsProbe? _probe;
    private readonly MemoryPool<byte> _memory;

    public SocketsBackend(IOptions<GreenTransportOptions> options, IMemoryPoolFactory<byte> pools, TransportState state, ILoggerFactory loggers, TransportClock clock)
    {
        var settings = options.Value;
        _logger = loggers.CreateLogger(Log.Category).Guarded();
        _connections = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions
            {
                MaxReadBufferSize = settings.MaxReadBufferSize,
                MaxWriteBufferSize = settings.MaxWriteBufferSize,
            },
            loggers.CreateLogger(ConnectionLog.Category).Guarded());
        _memory = pools.Create(new MemoryPoolOptions { Owner = "kestrel" });
        _state = state;
        _time = clock.Time;

        // .NET starts its timer thread with the first timer, and cannot once there are no descriptors left, which is just when
        // the acceptor needs to wait.
        _time.CreateTimer(static _ => { }, null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan).Dispose();

        // Workers, and so heartbeats, exist on Linux only.
        if (OperatingSystem.IsLinux())
        {
            _probe = new SocketsProbe();
            state.Add(_probe);
        }
    }

    /// <summary>
    /// The memory pool that Kestrel's HTTP uses for responses. Unless Kestrel itself made the socket factory, its pool is
    /// MemoryPool.Shared: there Rent(0) returns an empty block, and a handler that first writes to BodyWriter would fail.
    /// </summary>
    public MemoryPool<byte> MemoryPool => _memory;

    public IAcceptor Listen(ListenerContext listener) => new SocketsAcceptor(listener, _connections, Wrap, _time);

    public IReadOnlyCollection<IServedConnection> Connections() =>
        [.. _open.Keys.Select(static open => open.TryGetTarget(out var connection) ? connection : null).OfType<IServedConnection>()];

    private SlotConnection Wrap(ConnectionContext inner, Slot slot) => new(inner, slot, this, _time, _logger, _open);

    public async ValueTask DisposeAsync()
    {
        if (_probe is not null)
        {
            _state.Remove(_probe);
            await _probe.DisposeAsync();
        }

        _connections.Dispose();
        _memory.Dispose();
    }
}
