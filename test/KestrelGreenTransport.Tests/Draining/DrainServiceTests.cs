using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Draining;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Draining;

/// <summary>A drain on a clock that moves only when a test moves it.</summary>
public sealed class DrainServiceTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TransportState _state = new();
    private readonly StopCause _cause = new();
    private readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly FakeBackend _backend = new();
    private readonly List<TimeSpan> _collections = [];
    private readonly DrainService _service;
    private readonly long _start;

    public DrainServiceTests()
    {
        var backend = new Lazy<ITransportBackend>(() => _backend);
        _ = backend.Value;
        var drain = new Drain(new AcceptGate(), Options.Create(new GreenTransportOptions()));
        _service = new DrainService(drain, [], backend, _state, _lifetime, _cause, new TransportClock(_time), NullLoggerFactory.Instance)
        {
            Collect = () => _collections.Add(_time.GetElapsedTime(_start)),
        };
        _start = _time.GetTimestamp();
    }

    public ValueTask DisposeAsync() => _backend.DisposeAsync();

    [Fact]
    public async Task Who_is_being_accepted_when_the_listeners_are_left_is_waited_for()
    {
        var pool = new ConnectionPool("tcp://127.0.0.1:80", 10);
        _state.Add(pool);
        Assert.True(pool.TryTake(out var slot));
        var told = new TaskCompletionSource();
        _lifetime.ApplicationStopping.Register(told.SetResult);
        var stopping = _service.StoppingAsync(TestContext.Current.CancellationToken);
        await told.Task;
        for (var pass = 0; pass < 100; pass++)
        {
            _time.Advance(DrainPlan.Tick);
            await Task.Yield();
        }

        Assert.False(stopping.IsCompleted);
        slot.GiveBack();
        await Until(stopping);
    }

    [Fact]
    public async Task A_host_that_its_own_code_stops_ends_idle_connections_at_once()
    {
        var idle = _backend.Add(_time);
        var stopping = _service.StoppingAsync(TestContext.Current.CancellationToken);
        Assert.True(idle.IsEnded);
        Assert.True(_cause is { IsOwners: true, IsTold: false, Lingers: false });
        await Until(stopping);
    }

    [Fact]
    public async Task A_process_that_is_told_to_leave_gives_them_time_to_come_again()
    {
        _cause.Tell();
        var start = _time.GetTimestamp();
        var idle = _backend.Add(_time);
        var stopping = _service.StoppingAsync(TestContext.Current.CancellationToken);
        Assert.False(idle.IsEnded);
        await Until(stopping);
        Assert.True(_time.GetElapsedTime(start) >= DrainPlan.Linger);
    }

    [Fact]
    public async Task While_clients_have_left_handlers_that_are_still_at_work_a_collection_is_asked_for_now_and_then()
    {
        var left = _backend.Add(_time, isBusy: true);
        var stopping = _service.StoppingAsync(TestContext.Current.CancellationToken);
        await For(TimeSpan.FromSeconds(2));
        Assert.Empty(_collections);

        left.HasLeft = true;
        await For(TimeSpan.FromSeconds(9));
        Assert.Equal([3, 5, 9], _collections.Select(static at => Math.Floor(at.TotalSeconds)));
        Assert.False(stopping.IsCompleted);

        // What happens when the connection is collected.
        left.CutOff();
        await Until(stopping);
        Assert.Equal(3, _collections.Count);
    }

    [Fact]
    public void A_worker_lingers_whatever_ends_it() => Assert.True(new StopCause(isWorker: true).Lingers);

    [Theory]
    [InlineData(0, false, true, false)]
    [InlineData(100, false, true, true)]
    [InlineData(100, true, true, false)]
    [InlineData(1000, true, true, true)]
    [InlineData(0, false, false, true)]
    [InlineData(0, true, false, false)]
    [InlineData(1000, true, false, true)]
    public void A_listener_waits_for_those_that_are_connecting_only_where_the_process_was_told_to_leave(int elapsed, bool waits, bool lingers, bool isOver) =>
        Assert.Equal(isOver, DrainGrace.IsOver(TimeSpan.FromMilliseconds(elapsed), waits, lingers));

    private async Task For(TimeSpan span)
    {
        for (var passed = TimeSpan.Zero; passed < span; passed += DrainPlan.Tick)
        {
            _time.Advance(DrainPlan.Tick);
            await Task.Yield();
        }
    }

    private async Task Until(Task stopping)
    {
        while (!stopping.IsCompleted)
        {
            _time.Advance(DrainPlan.Tick);
            await Task.Yield();
        }

        await stopping;
    }

    private sealed class FakeBackend : ITransportBackend
    {
        private readonly List<FakeConnection> _connections = [];

        public FakeConnection Add(TimeProvider time, bool isBusy = false)
        {
            var connection = new FakeConnection(time, isBusy);
            _connections.Add(connection);
            return connection;
        }

        public IAcceptor Listen(ListenerContext listener) => throw new NotSupportedException();

        public IReadOnlyCollection<IServedConnection> Connections() => [.. _connections.Where(static one => !one.IsEnded)];

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>A connection that has had one request, and rests unless it is busy.</summary>
    private sealed class FakeConnection : IServedConnection
    {
        public FakeConnection(TimeProvider time, bool isBusy)
        {
            Activity = new ConnectionActivity(this, time, NullLogger.Instance);
            var request = new HttpRequestFeature { Protocol = "HTTP/1.1" };
            Activity.Begin(request, new FeatureCollection());
            if (!isBusy)
            {
                Activity.End(request);
            }
        }

        public string ConnectionId => "test";

        public ConnectionActivity Activity { get; }

        public ConnectionPool Pool => throw new NotSupportedException();

        public bool IsEnded { get; private set; }

        public bool HasUnconsumed => false;

        public bool HasUnsent => false;

        public bool HasLeft { get; set; }

        public bool TryEndIdle(long quietSince) => IsEnded = true;

        public void EndReading() => IsEnded = true;

        public void CutOff() => IsEnded = true;
    }
}
