using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Binding;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Binding;

/// <summary>Listeners that only this process has: a drain ends them, and Kestrel may do so at the same time.</summary>
public class OwnListenersTests
{
    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task One_that_is_disposed_meanwhile_keeps_no_other_from_its_end(GreenTransportBackend backend)
    {
        var time = new FakeTimeProvider();
        await using var app = TestApp.Create(options => options.Backend = backend, build: builder => builder.Services.AddSingleton(new TransportClock(time)));
        var factory = app.App.Services.GetServices<IConnectionListenerFactory>().OfType<GreenTransportFactory>().Single();
        await using var first = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0), TestContext.Current.CancellationToken);
        await using var second = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0), TestContext.Current.CancellationToken);
        var accepting = second.AcceptAsync(TestContext.Current.CancellationToken);

        var ending = factory.EndOwnListenersAsync(lingers: true);
        await first.DisposeAsync();
        while (!ending.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.WhenAny(ending, Task.Delay(1, TestContext.Current.CancellationToken));
        }

        await ending;
        Assert.Null(await Wait.ForAsync(accepting.AsTask()));
        foreach (var listener in (IConnectionListener[])[first, second])
        {
            using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
            var refused = await Assert.ThrowsAsync<SocketException>(() => client.ConnectAsync(listener.EndPoint));
            Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        }

        Assert.All(app.State.Pools, static pool => Assert.False(pool.IsInUse));
    }
}
