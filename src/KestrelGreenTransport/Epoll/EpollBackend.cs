using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Epoll.Accepting;
using KestrelGreenTransport.Epoll.Loop;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Epoll;

/// <summary>Event loops of our own on epoll: Linux.</summary>
internal sealed class EpollBackend : ITransportBackend
{
    private const int BlockSize = 4096;

    private readonly TimeProvider _time;
    private readonly TransportState _state;

    public EpollBackend(
        IOptions<GreenTransportOptions> options, IMemoryPoolFactory<byte> pools, TransportState state, ILoggerFactory loggers, TimeProvider time)
    {
        _time = time;
        _state = state;
        var settings = options.Value;
        var logger = loggers.CreateLogger(Log.Category);
        var loopSettings = new LoopSettings
        {
            MaxReadBufferSize = settings.MaxReadBufferSize ?? long.MaxValue,
            MaxReadBlocks = (int)Math.Clamp((settings.MaxReadBufferSize ?? long.MaxValue) / BlockSize, 1, int.MaxValue),
            MaxWriteBufferSize = settings.MaxWriteBufferSize,
            RunsInline = true,
        };
        Loops = [.. Enumerable.Range(1, LoopCount).Select(number => new EventLoop(number, loopSettings, pools.Create(), logger))];
        foreach (var loop in Loops)
        {
            state.Add(loop);
            loop.Start();
        }
    }

    public EventLoop[] Loops { get; }

    // Under a supervisor the cores are shared out by the count of workers.
    private static int LoopCount => WorkerContract.Current is null ? Environment.ProcessorCount : 1;

    public IAcceptor Listen(ListenerContext listener) => new EpollAcceptor(this, listener, _time);

    /// <summary>The loop with the fewest connections: where a new one goes.</summary>
    public EventLoop LeastLoaded()
    {
        var least = Loops[0];
        for (var i = 1; i < Loops.Length; i++)
        {
            if (Loops[i].Connections.Count < least.Connections.Count)
            {
                least = Loops[i];
            }
        }

        return least;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var loop in Loops)
        {
            _state.Remove(loop);
            await loop.StopAsync();
        }
    }
}
