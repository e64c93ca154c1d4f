using System.Buffers;
using System.Net;
using System.Net.Sockets;
using BenchmarkDotNet.Attributes;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Epoll.Connection;
using KestrelGreenTransport.Epoll.Loop;
using Microsoft.Extensions.Logging.Abstractions;

namespace Benchmarks.Micro;

/// <summary>A connection's reader and writer on a real socket, with the loop on its own thread.</summary>
public class ConnectionBenchmarks : IAsyncDisposable
{
    private const int Request = 100;
    private const int Response = 130;

    private readonly byte[] _request = new byte[Request];
    private readonly byte[] _received = new byte[Response];
    private EventLoop _loop = null!;
    private EpollConnection _connection = null!;
    private Socket _client = null!;

    [GlobalSetup]
    public void Connect()
    {
        var settings = new LoopSettings
        {
            MaxReadBlocks = 16,
            MaxReadBufferSize = 1024 * 1024,
            MaxWriteBufferSize = 64 * 1024,
            RunsInline = false,
            BlockingThreshold = TimeSpan.FromMilliseconds(1),
            SpinTime = TimeSpan.Zero,
        };
        _loop = new EventLoop(1, settings, MemoryPool<byte>.Shared, TimeProvider.System, NullLogger.Instance);
        _loop.Start();

        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _client.Connect(listener.LocalEndPoint!);

        // The connection owns the descriptor from here on.
        var accepted = listener.Accept();
        accepted.Blocking = false;
        accepted.NoDelay = true;
        var descriptor = (int)accepted.SafeHandle.DangerousGetHandle();
        accepted.SafeHandle.SetHandleAsInvalid();
        var pool = new ConnectionPool("benchmark", 1);
        pool.TryTake(out var slot);
        _connection = new EpollConnection(_loop, descriptor, slot!, null, null);
    }

    [GlobalCleanup]
    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        _client.Dispose();
        await _loop.StopAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes a response, flushes it (which sends it), and receives it at the other end.</summary>
    [Benchmark]
    public async Task<int> WriteFlushAndReceive()
    {
        var output = _connection.Writer;
        output.GetSpan(Response)[..Response].Clear();
        output.Advance(Response);
        await output.FlushAsync();
        return _client.Receive(_received);
    }

    /// <summary>Sends a request, reads it once the loop has seen it, and consumes it.</summary>
    [Benchmark]
    public long SendReadAndAdvance()
    {
        _client.Send(_request);
        long length = 0;
        while (length < Request)
        {
            if (_connection.Reader.TryRead(out var read))
            {
                length += read.Buffer.Length;
                _connection.Reader.AdvanceTo(read.Buffer.End);
            }
        }

        return length;
    }
}
