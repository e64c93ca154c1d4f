using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>A listener is unbound while clients come to a full pool: each is answered or turned away, and every slot is freed.</summary>
public class UnbindRaceTests
{
    [Fact]
    public async Task Clients_of_a_full_pool_are_answered_or_turned_away_when_the_listener_goes()
    {
        const int Clients = 8;
        const int Rounds = 1;
        for (var round = 0; round < Rounds; round++)
        {
            await using var app = await ServedApp.StartAsync(
                ServedBy.EpollAdaptive, static routes => routes.MapGet("/", static () => "hello"), configure: static options => (options.WorkerConnections, options.EventLoops) = (2, 2));
            var pool = app.State.Pools[0];
            var answered = 0;
            var coming = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
            {
                while (await IsAnsweredAsync(app))
                {
                    Interlocked.Increment(ref answered);
                }
            })));
            await Wait.UntilAsync(() => Volatile.Read(ref answered) >= Clients, "clients come and go");
            await Wait.ForAsync(Task.WhenAll(app.Services.GetServices<IConnectionListenerFactory>().OfType<GreenTransportFactory>().Select(static factory => factory.EndOwnListenersAsync(lingers: true))));
            await Wait.ForAsync(coming);
            await Wait.UntilAsync(() => !pool.IsInUse, "all slots are back");
        }
    }

    private static async Task<bool> IsAnsweredAsync(ServedApp app)
    {
        try
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            var answer = await client.ReceiveAllAsync();
            if (answer.Length != 0)
            {
                Assert.EndsWith("\r\n0\r\n\r\n", answer, StringComparison.Ordinal);
            }

            return answer.Length != 0;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.TimedOut)
        {
            return false;
        }
    }
}
