using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Draining;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Draining;

public class DrainServiceTests
{
    [Fact]
    public async Task Who_is_being_accepted_when_the_listeners_are_left_is_waited_for()
    {
        var time = new FakeTimeProvider();
        var state = new TransportState();
        var pool = new ConnectionPool("tcp://127.0.0.1:80", 10);
        state.Add(pool);
        var lifetime = new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance);
        var backend = new Lazy<ITransportBackend>(static () => new NoConnections());
        _ = backend.Value;
        var drain = new Drain(new AcceptGate(), Options.Create(new GreenTransportOptions()));
        var service = new DrainService(drain, [], backend, state, lifetime, new StopCause(), new TransportClock(time), NullLoggerFactory.Instance);

        Assert.True(pool.TryTake(out var slot));
        var told = new TaskCompletionSource();
        lifetime.ApplicationStopping.Register(told.SetResult);
        var stopping = service.StoppingAsync(TestContext.Current.CancellationToken);
        await told.Task;
        for (var pass = 0; pass < 100; pass++)
        {
            time.Advance(DrainPlan.Tick);
            await Task.Yield();
        }

        Assert.False(stopping.IsCompleted);
        slot.GiveBack();
        while (!stopping.IsCompleted)
        {
            time.Advance(DrainPlan.Tick);
            await Task.Yield();
        }

        await stopping;
    }

    private sealed class NoConnections : ITransportBackend
    {
        public IAcceptor Listen(ListenerContext listener) => throw new NotSupportedException();

        public IReadOnlyCollection<IServedConnection> Connections() => [];

        public ValueTask DisposeAsync() => default;
    }
}
