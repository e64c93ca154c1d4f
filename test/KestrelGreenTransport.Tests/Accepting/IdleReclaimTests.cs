using System.Net.Sockets;
using KestrelGreenTransport.Tests.Draining;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>Idle keep-alive connections do not lock out other clients.</summary>
public class IdleReclaimTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    private const string GetAndClose = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

    public static TheoryData<ServedBy> ByOurs => DrainTests.ByOurs;

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Clients_that_wait_get_the_slots_of_those_that_have_been_idle_for_longest(ServedBy by)
    {
        await using var app = await StartAsync(by);
        var idle = new List<Socket>();
        for (var i = 0; i < 3; i++)
        {
            var client = await app.ConnectAsync();
            await client.SendAsync(Get);
            await client.ExpectAnswerAsync();
            idle.Add(client);
        }

        using var busy = await app.ConnectAsync();
        await busy.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhe");
        await Wait.UntilAsync(() => app.State.Pools[0].Held == 4, "the pool is full");

        // Two clients wait: the two oldest connections are closed, and no others.
        foreach (var oldest in idle[..2].ToArray())
        {
            var client = await app.ConnectAsync();
            idle.Add(client);
            await client.SendAsync(Get);
            Assert.Empty(await Wait.ForAsync(oldest.ReceiveAllAsync()));
            Assert.Contains("hello", await client.ExpectAnswerAsync(), StringComparison.Ordinal);
        }

        await idle[2].SendAsync(GetAndClose);
        Assert.Contains("hello", await Wait.ForAsync(idle[2].ReceiveAllAsync()), StringComparison.Ordinal);
        await busy.SendAsync("llo");
        Assert.Contains("hello", await busy.ExpectAnswerAsync(), StringComparison.Ordinal);
        idle.ForEach(static client => client.Dispose());
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Nobody_is_closed_while_nobody_waits_and_nobody_at_all_when_it_is_off(ServedBy by)
    {
        await using var app = await StartAsync(by, reclaims: false);
        var idle = new List<Socket>();
        for (var i = 0; i < 4; i++)
        {
            var client = await app.ConnectAsync();
            await client.SendAsync(Get);
            await client.ExpectAnswerAsync();
            idle.Add(client);
        }

        using var waiting = await app.ConnectAsync();
        await waiting.SendAsync(GetAndClose);
        Assert.Equal(1, Queue.LengthOf(app.Address.Port));
        await idle[0].SendAsync(GetAndClose);
        Assert.Contains("hello", await Wait.ForAsync(idle[0].ReceiveAllAsync()), StringComparison.Ordinal);
        Assert.Contains("hello", await Wait.ForAsync(waiting.ReceiveAllAsync()), StringComparison.Ordinal);
        idle.ForEach(static client => client.Dispose());
    }

    private static Task<ServedApp> StartAsync(ServedBy by, bool reclaims = true) => ServedApp.StartAsync(
        by,
        static routes => routes.Map("/", static async (HttpRequest request) =>
        {
            await new StreamReader(request.Body).ReadToEndAsync();
            return "hello";
        }),
        configure: options => (options.WorkerConnections, options.IdleReclaim, options.EventLoops) = (4, reclaims, 1));
}
