using System.Buffers;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Tests.Sockets;

/// <summary>An acceptor on a listener that a sibling also holds.</summary>
internal sealed class AcceptorHarness : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly SocketsBackend _backend;
    private readonly ListenSocket _socket;

    public AcceptorHarness(Action<GreenTransportOptions>? configure = null)
    {
        var options = new GreenTransportOptions();
        configure?.Invoke(options);
        Sibling = Listeners.Tcp();
        EndPoint = (IPEndPoint)Sibling.LocalEndPoint!;
        var endpoint = ListenEndpoint.Tcp(EndPoint);
        _socket = new ListenSocket(new Socket(new SafeSocketHandle(Listeners.Duplicate(Sibling), ownsHandle: true)), endpoint, isShared: true);
        Pool = new ConnectionPool(_socket.Name, options.WorkerConnections);
        var state = new TransportState();
        var meter = new TransportMeter(_services.GetRequiredService<IMeterFactory>(), state);
        _backend = new SocketsBackend(Options.Create(options), new SharedMemory(), state, Logs, TransportClock.System);
        Acceptor = _backend.Listen(new ListenerContext(_socket, Pool, Gate, new NoSiblings(), new AcceptReporter(_socket.Name, meter, Logs.CreateLogger(Log.Category)), options));
    }

    public LogLines Logs { get; } = new();

    /// <summary>The same listening socket through another descriptor, as another process would hold it.</summary>
    public Socket Sibling { get; }

    public IPEndPoint EndPoint { get; }

    public ConnectionPool Pool { get; }

    public AcceptGate Gate { get; } = new();

    public IAcceptor Acceptor { get; }

    public async Task<Socket> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(EndPoint);
        return client;
    }

    /// <summary>Accepts everything that still waits in the kernel's queue, as a sibling would; returns how many.</summary>
    public int TakeWhatIsQueued()
    {
        Sibling.Blocking = false;
        var taken = 0;
        while (true)
        {
            try
            {
                Sibling.Accept().Dispose();
                taken++;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
            {
                return taken;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Acceptor.DisposeAsync();
        _socket.Dispose();
        Sibling.Dispose();
        await _backend.DisposeAsync();
        await _services.DisposeAsync();
    }

    private sealed class SharedMemory : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => MemoryPool<byte>.Shared;
    }
}
