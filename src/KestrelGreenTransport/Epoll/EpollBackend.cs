using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Epoll.Accepting;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Epoll.Scheduling;
using KestrelGreenTransport.Native;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Epoll;

/// <summary>The backend on event loops of our own, on epoll: Linux only.</summary>
internal sealed class EpollBackend : ITransportBackend
{
    private const string FinOnErrorSwitch = "Microsoft.AspNetCore.Server.Kestrel.FinOnError";
    private const int BlockSize = 4096;

    // The owner name that Kestrel's own transport uses in the meter of the memory pools.
    private const string MemoryOwner = "kestrel";
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly TransportState _state;
    private readonly LoopGuard? _guard;

    public EpollBackend(
        IOptions<GreenTransportOptions> options, IMemoryPoolFactory<byte> pools, TransportState state, TransportMeter meter, ILoggerFactory loggers, TransportClock clock)
    {
        var time = _time = clock.Time;
        _state = state;
        var settings = options.Value;
        var logger = loggers.CreateLogger(Log.Category);

        // As for every backend: start the timer thread before no descriptor is left to start it.
        time.CreateTimer(static _ => { }, null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan).Dispose();
        var loopSettings = new LoopSettings
        {
            MaxReadBufferSize = settings.MaxReadBufferSize ?? long.MaxValue,
            MaxReadBlocks = (int)Math.Clamp((settings.MaxReadBufferSize ?? long.MaxValue) / BlockSize, 1, int.MaxValue),
            MaxWriteBufferSize = settings.MaxWriteBufferSize,
            RunsInline = settings.Scheduling != GreenTransportScheduling.ThreadPool,
            BlockingThreshold = settings.BlockingThreshold,
            SpinTime = settings.SpinTime,
            FinOnError = AppContext.TryGetSwitch(FinOnErrorSwitch, out var finOnError) && finOnError,
            ConnectionLogger = loggers.CreateLogger(ConnectionLog.Category).Guarded(),
        };
        var count = settings.EventLoops ?? (WorkerContract.Current is null ? Environment.ProcessorCount : 1);
        var processors = settings.PinEventLoops ? LoopProcessor.Share(count, WorkerContract.Current?.Index ?? 1, ThreadAffinity.Read(Environment.ProcessId)) : null;
        Loops = [.. Enumerable.Range(1, count).Select(number => new EventLoop(number, loopSettings, pools.Create(new MemoryPoolOptions { Owner = MemoryOwner }), time, logger, processors?[number - 1]))];
        if (settings.Scheduling == GreenTransportScheduling.Adaptive)
        {
            _guard = new LoopGuard(Loops, settings.BlockingThreshold, meter, time);
            _guard.Start();
        }

        foreach (var loop in Loops)
        {
            loop.Guard = _guard;
            loop.Start();
            state.Add(loop);
        }
    }

    public EventLoop[] Loops { get; }

    public IAcceptor Listen(ListenerContext listener) => new EpollAcceptor(Loops, listener, _time);

    public IReadOnlyCollection<IServedConnection> Connections() =>
        Array.TrueForAll(Loops, static loop => loop.Connections.Count == 0) ? [] : [.. Loops.SelectMany(static loop => loop.Connections.Snapshot())];

    public async ValueTask DisposeAsync()
    {
        foreach (var loop in Loops)
        {
            _state.Remove(loop);
        }

        // A handler that never returns must not keep the process alive; there may be no guard.
        await Task.WhenAny(Task.WhenAll(Loops.Select(static loop => loop.StopAsync())), Task.Delay(StopLimit, _time));
        _guard?.Dispose();
    }
}
