using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Epoll;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>Several event loops of one process accept from one listener.</summary>
public class SeveralLoopsTests
{
    [Fact]
    public async Task Thousands_of_connections_are_spread_evenly_over_the_loops_and_none_is_left_waiting()
    {
        const int Loops = 4;
        const int Connections = 2000;
        await using var app = await TestApp.StartAsync(
            static options => (options.Backend, options.EventLoops, options.WorkerConnections) = (GreenTransportBackend.Epoll, Loops, Connections));
        var backend = (EpollBackend)app.App.Services.GetRequiredService<ITransportBackend>();
        var clients = new Socket[Connections];
        try
        {
            await Parallel.ForAsync(0, Connections, async (i, _) =>
            {
                clients[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await clients[i].ConnectAsync(IPAddress.Loopback, app.Address.Port);
            });
            await Wait.UntilAsync(() => app.Pool.Held == Connections, "all are accepted");

            // Loops that accept at the same time may both choose the same loop as the least loaded: the counts may differ a little.
            Assert.All(backend.Loops, static loop => Assert.InRange(loop.Connections.Count, (Connections / Loops) - 20, (Connections / Loops) + 20));
            foreach (var client in clients)
            {
                await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            }

            foreach (var client in clients)
            {
                await client.ExpectAsync("HTTP/1.1 200 OK");
            }
        }
        finally
        {
            Array.ForEach(clients, static client => client?.Dispose());
        }

        await Wait.UntilAsync(() => app.Pool.Held == 0 && backend.Loops.All(static loop => loop.Connections.Count == 0), "all have gone");
    }

    [Fact]
    public async Task With_fewer_slots_than_clients_every_client_has_its_turn_on_some_loop()
    {
        await using var app = await TestApp.StartAsync(
            static options => (options.Backend, options.EventLoops, options.WorkerConnections) = (GreenTransportBackend.Epoll, 4, 3));
        await Wait.ForAsync(Parallel.ForAsync(0, 300, async (_, _) => Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.Loopback, app.Address.Port)))));
        Assert.Equal(300, app.Pool.Accepted);
        await Wait.UntilAsync(() => app.Pool.Held == 0, "all slots are back");
    }
}
