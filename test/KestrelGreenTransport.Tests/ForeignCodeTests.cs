using System.Buffers;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Tests.Epoll;
using KestrelGreenTransport.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests;

/// <summary>Exceptions from loggers, meter listeners and callbacks of the app end neither the process nor the work that they were called from.</summary>
public class ForeignCodeTests
{
    private static readonly LoopSettings Settings = new()
    {
        MaxReadBlocks = 1,
        MaxReadBufferSize = 4096,
        MaxWriteBufferSize = 4096,
        RunsInline = true,
        BlockingThreshold = TimeSpan.FromMilliseconds(1),
    };

    [Fact]
    public void What_it_throws_is_told_and_what_is_thrown_by_that_as_well_ends_here()
    {
        var told = new List<string>();
        ForeignCode.Run(static _ => throw new InvalidOperationException("first"), told, static (told, exception) =>
        {
            told.Add(exception.Message);
            throw new InvalidOperationException("second");
        });
        Assert.Equal(["first"], told);
    }

    [Fact]
    public async Task A_posted_action_that_throws_holds_up_none_of_those_behind_it()
    {
        var loop = new EventLoop(1, Settings, MemoryPool<byte>.Shared, TimeProvider.System, new ThrowingLogger());
        var ran = new TaskCompletionSource();
        loop.Post(static () => throw new InvalidOperationException("for the test"));
        loop.Post(ran.SetResult);
        loop.Start();
        await Wait.ForAsync(ran.Task);
        await Wait.ForAsync(loop.StopAsync());
    }

    [Fact]
    public async Task A_logger_that_throws_ends_no_loop_when_a_thread_is_refused_or_cannot_be_tied()
    {
        var starts = 0;
        var settings = Settings with
        {
            StartThread = thread =>
            {
                if (starts++ == 1)
                {
                    throw new InsufficientMemoryException("for the test");
                }

                thread.UnsafeStart();
            },
        };
        var loop = new EventLoop(1, settings, MemoryPool<byte>.Shared, TimeProvider.System, new ThrowingLogger(), new LoopProcessor(number: 1023, [0]));
        var first = loop.Spares.Take()!;
        Assert.Null(loop.Spares.Take());
        loop.Spares.Return(first);
        loop.Start();
        var ran = new TaskCompletionSource();
        loop.Post(ran.SetResult);
        await Wait.ForAsync(ran.Task);
        await Wait.ForAsync(loop.StopAsync());
    }

    [Fact]
    public async Task A_logger_that_throws_and_a_callback_that_throws_cost_no_answer()
    {
        var closed = 0;
        await using var app = await ServedApp.RunAsync(
            ServedBy.EpollAdaptive,
            async connection =>
            {
                connection.ConnectionClosed.Register(() =>
                {
                    Interlocked.Increment(ref closed);
                    throw new InvalidOperationException("for the test");
                });
                var read = await connection.Transport.Input.ReadAsync();
                connection.Transport.Input.AdvanceTo(read.Buffer.End);
                await connection.Transport.Output.WriteAsync("hello");
                await connection.Transport.Input.ReadAsync();
            },
            build: static builder => builder.Services.AddSingleton<ILoggerFactory>(new ThrowingLoggers()));
        for (var i = 1; i <= 2; i++)
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync("x");
            await client.ExpectAsync("hello");
            client.Shutdown(SocketShutdown.Both);
            await Wait.UntilAsync(() => Volatile.Read(ref closed) == i && app.State.Pools[0].Held == 0, "the connection has ended");
        }
    }

    [Fact]
    public async Task A_listener_of_the_meter_that_throws_does_not_end_the_guard()
    {
        var thrown = 0;
        using var others = new SemaphoreSlim(0);
        await using var app = await ServedApp.StartAsync(
            ServedBy.EpollAdaptive,
            routes =>
            {
                routes.MapGet("/", () => others.Release());
                routes.MapGet("/blocked", () => others.Wait(Wait.Limit));
            },
            configure: static options => options.EventLoops = 1);
        var factory = app.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "green.transport.loop.takeovers" && ReferenceEquals(instrument.Meter.Scope, factory))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) =>
        {
            Interlocked.Increment(ref thrown);
            throw new InvalidOperationException("for the test");
        });
        listener.Start();

        // On one loop: the second request is answered only if the guard takes the loop from the first, which it still does after a listener threw.
        using var client = app.CreateClient();
        for (var round = 0; Volatile.Read(ref thrown) < 2; round++)
        {
            Assert.InRange(round, 0, 100);
            var held = client.GetStringAsync("/blocked");
            await client.GetStringAsync("/");
            Assert.Equal("true", await Wait.ForAsync(held));
        }
    }

    [Fact]
    public void A_callback_of_RequestClose_that_throws_keeps_no_other_connection_from_being_closed()
    {
        var logger = new ListLogger();
        var time = new FakeTimeProvider();
        var pool = new ConnectionPool("tcp://127.0.0.1:80", 2);
        using var queue = Listeners.Tcp();
        using var waiting = new Socket(SocketType.Stream, ProtocolType.Tcp);
        waiting.Connect(queue.LocalEndPoint!);
        using var listening = new ListenSocket(new Socket(new SafeSocketHandle(Listeners.Duplicate(queue), ownsHandle: true)), ListenEndpoint.Of(queue.LocalEndPoint!), isShared: false);
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meter = new TransportMeter(services.GetRequiredService<IMeterFactory>(), new TransportState());
        var context = new ListenerContext(listening, pool, new AcceptGate(), new NoSiblings(), new AcceptReporter(pool.Endpoint, meter, logger), new GreenTransportOptions());
        var throwing = new Multiplexed(pool, time, logger, throws: true);
        var other = new Multiplexed(pool, time, logger, throws: false);
        using var reclaim = new IdleReclaim(context, () => [throwing, other], time, TimeSpan.FromSeconds(130));
        time.Advance(IdleReclaim.LeastIdle);

        // A look at each of the two: one client waits, so each look closes one connection.
        Fill(pool);
        time.Advance(IdleReclaim.LeastIdle);
        Assert.Equal((1, 1), (throwing.Closes, other.Closes));
        Assert.Single(logger.Ids, 55);
    }

    [Fact]
    public void A_guarded_logger_and_that_of_the_beat_thread_never_throw()
    {
        foreach (var logger in (ThrowingLogger[])[new(), new(throwsAtOnce: true)])
        {
            foreach (var safe in (ILogger[])[logger.Guarded(), new OffThreadLogger(logger)])
            {
                _ = safe.IsEnabled(LogLevel.Error);
                safe.LogError("for the test");
                Assert.Null(safe.BeginScope("scope"));
            }
        }
    }

    private static void Fill(ConnectionPool pool)
    {
        while (pool.TryTake(out var slot))
        {
            slot.Hold();
        }

        _ = pool.TakeAsync(CancellationToken.None).AsTask();
    }

    private sealed class Multiplexed : IServedConnection, IHttpRequestFeature, IConnectionLifetimeNotificationFeature
    {
        private readonly bool _throws;

        public Multiplexed(ConnectionPool pool, TimeProvider time, ILogger logger, bool throws)
        {
            (Pool, _throws) = (pool, throws);
            Activity = new ConnectionActivity(this, time, logger);
            var features = new FeatureCollection();
            features.Set<IConnectionLifetimeNotificationFeature>(this);
            Activity.Begin(this, features);
            Activity.End(this);
        }

        public int Closes { get; private set; }

        public string ConnectionId => "test";

        public ConnectionActivity Activity { get; }

        public ConnectionPool Pool { get; }

        public bool HasUnconsumed => false;

        public bool HasUnsent => false;

        public bool HasLeft => false;

        public CancellationToken ConnectionClosedRequested { get; set; }

        public string Protocol { get; set; } = "HTTP/2";

        public string Scheme { get; set; } = "";

        public string Method { get; set; } = "";

        public string PathBase { get; set; } = "";

        public string Path { get; set; } = "";

        public string QueryString { get; set; } = "";

        public string RawTarget { get; set; } = "";

        public Microsoft.AspNetCore.Http.IHeaderDictionary Headers { get; set; } = new Microsoft.AspNetCore.Http.HeaderDictionary();

        public Stream Body { get; set; } = Stream.Null;

        public void RequestClose()
        {
            Closes++;
            if (_throws)
            {
                throw new InvalidOperationException("for the test");
            }
        }

        public bool TryEndIdle(long quietSince) => false;

        public void EndReading()
        {
        }

        public void CutOff()
        {
        }
    }

    private sealed class ThrowingLoggers : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        // We do not guard Kestrel's own code.
        public ILogger CreateLogger(string categoryName) =>
            categoryName.StartsWith("Kestrel", StringComparison.Ordinal) || categoryName == ConnectionLog.Category
                ? new ThrowingLogger()
                : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public void Dispose()
        {
        }
    }

    private sealed class ThrowingLogger(bool throwsAtOnce = false) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => throw new InvalidOperationException("for the test");

        public bool IsEnabled(LogLevel logLevel) => throwsAtOnce ? throw new InvalidOperationException("for the test") : true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("for the test");
    }
}
