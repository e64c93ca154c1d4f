using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests.Sockets;

public class SocketsAcceptorTests
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public async Task Accepting_ends_at_unbind_and_not_before()
    {
        await using var harness = new AcceptorHarness();
        var accepting = harness.Acceptor.AcceptAsync(Never).AsTask();
        using (await harness.ConnectAsync())
        {
            var connection = await Wait.ForAsync(accepting);
            Assert.NotNull(connection);
            await connection.DisposeAsync();
        }

        accepting = harness.Acceptor.AcceptAsync(Never).AsTask();
        Assert.False(accepting.IsCompleted);
        await harness.Acceptor.UnbindAsync();
        Assert.Null(await Wait.ForAsync(accepting));
        Assert.Null(await harness.Acceptor.AcceptAsync(Never));
    }

    [Fact]
    public async Task A_full_pool_leaves_the_client_to_the_sibling()
    {
        await using var harness = new AcceptorHarness(options => options.WorkerConnections = 1);
        using var first = await harness.ConnectAsync();
        var connection = await Wait.ForAsync(harness.Acceptor.AcceptAsync(Never).AsTask());
        var waiting = harness.Acceptor.AcceptAsync(Never).AsTask();
        using var second = await harness.ConnectAsync();
        Assert.Equal(1, harness.TakeWhatIsQueued());
        Assert.False(waiting.IsCompleted);
        Assert.Equal(1, harness.Logs.Count(1));

        using var third = await harness.ConnectAsync();
        await connection!.DisposeAsync();
        var next = await Wait.ForAsync(waiting);
        Assert.NotNull(next);
        await next.DisposeAsync();
        Assert.Equal((0, 2), (harness.Pool.Held, harness.Pool.Accepted));
    }

    [Fact]
    public async Task Unbind_ends_the_wait_for_a_slot_too()
    {
        await using var harness = new AcceptorHarness(options => options.WorkerConnections = 1);
        Assert.True(harness.Pool.TryTake(out var taken));
        var waiting = harness.Acceptor.AcceptAsync(Never).AsTask();
        await harness.Acceptor.UnbindAsync();
        Assert.Null(await Wait.ForAsync(waiting));
        taken.GiveBack();
        Assert.True(harness.Pool.TryTake(out _));
    }

    [Fact]
    public async Task A_connection_that_is_disposed_twice_gives_one_slot_back()
    {
        await using var harness = new AcceptorHarness(options => options.WorkerConnections = 2);
        using var client = await harness.ConnectAsync();
        var connection = await Wait.ForAsync(harness.Acceptor.AcceptAsync(Never).AsTask());
        await connection!.DisposeAsync();
        await connection.DisposeAsync();
        Assert.Equal(0, harness.Pool.Held);
        Assert.True(harness.Pool.TryTake(out _));
        Assert.True(harness.Pool.TryTake(out _));
        Assert.False(harness.Pool.TryTake(out _));
    }

    [Fact]
    public async Task A_listener_that_is_broken_for_good_is_logged_and_accepting_waits_for_unbind()
    {
        await using var harness = new AcceptorHarness();
        var accepting = harness.Acceptor.AcceptAsync(Never).AsTask();

        // After a shutdown, every accept on the listener fails with EINVAL.
        harness.Sibling.Shutdown(SocketShutdown.Both);
        await Wait.UntilAsync(() => harness.Logs.Count(4) == 1, "the end of the listener is logged");
        Assert.Equal(LogLevel.Critical, harness.Logs.All.Single(line => line.Id == 4).Level);
        Assert.False(accepting.IsCompleted);
        await harness.Acceptor.UnbindAsync();
        Assert.Null(await Wait.ForAsync(accepting));
    }

    [Fact]
    public async Task A_connection_that_arrives_during_unbind_is_handed_out_or_left_in_the_queue()
    {
        for (var round = 0; round < 200; round++)
        {
            await using var harness = new AcceptorHarness();
            var accepted = CountAcceptedAsync(harness);
            var clients = Enumerable.Range(0, 4).Select(_ => Task.Run(harness.ConnectAsync)).ToArray();
            await Task.WhenAny(clients);
            await harness.Acceptor.UnbindAsync();
            foreach (var client in await Wait.ForAsync(Task.WhenAll(clients)))
            {
                client.Dispose();
            }

            Assert.Equal(clients.Length, await Wait.ForAsync(accepted) + harness.TakeWhatIsQueued());
            Assert.Equal(0, harness.Pool.Held);
        }
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_loses_no_connection()
    {
        await using var harness = new AcceptorHarness();
        const int clients = 500;
        var connecting = Task.Run(async () =>
        {
            for (var i = 0; i < clients; i++)
            {
                using var client = await harness.ConnectAsync();
            }
        });
        var accepted = 0;
        while (accepted < clients)
        {
            using var cancelled = new CancellationTokenSource();
            var accepting = harness.Acceptor.AcceptAsync(cancelled.Token).AsTask();
            await Task.Yield();
            await cancelled.CancelAsync();
            if (await Wait.ForAsync(accepting) is { } connection)
            {
                accepted++;
                await connection.DisposeAsync();
            }
        }

        await Wait.ForAsync(connecting);
        Assert.Equal((0, clients), (harness.Pool.Held, harness.Pool.Accepted));
    }

    [Fact]
    public async Task Slots_are_all_back_after_clients_that_come_and_go_as_they_like()
    {
        const int slots = 8;
        await using var app = await TestApp.StartAsync(options => (options.WorkerConnections, options.Backend) = (slots, GreenTransportBackend.Sockets));
        var port = app.Address.Port;
        var clients = Enumerable.Range(0, 16).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 40; i++)
            {
                using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await client.ConnectAsync(IPAddress.Loopback, port);
                var request = "GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray();
                await client.SendAsync(request.AsMemory(0, random.Next(request.Length + 1)));
                switch (random.Next(3))
                {
                    case 0:
                        // Ends with a reset.
                        client.LingerState = new LingerOption(enable: true, seconds: 0);
                        break;
                    case 1:
                        client.Shutdown(SocketShutdown.Send);
                        break;
                    default:
                        await Task.Yield();
                        break;
                }
            }
        }));
        await Wait.ForAsync(Task.WhenAll(clients));
        await Wait.UntilAsync(() => app.Pool.Held == 0 && Queue.LengthOf(port) == 0, "nobody is connected any more");

        // One slot is reserved for the next accept.
        var taken = new List<Slot>();
        while (app.Pool.TryTake(out var slot))
        {
            taken.Add(slot);
        }

        Assert.Equal(slots - 1, taken.Count);
        taken.ForEach(static slot => slot.GiveBack());
        Assert.Equal("hello", await TestApp.GetAsync(new IPEndPoint(IPAddress.Loopback, port)));
    }

    private static async Task<int> CountAcceptedAsync(AcceptorHarness harness)
    {
        var accepted = 0;
        while (await harness.Acceptor.AcceptAsync(Never) is { } connection)
        {
            accepted++;
            await connection.DisposeAsync();
        }

        return accepted;
    }
}
