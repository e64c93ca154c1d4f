using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

/// <summary>The loop is taken over wherever a handler may be: nothing is lost, duplicated or held back, and nothing waits for ever.</summary>
public class TakeoverTests
{
    [Fact]
    public async Task Handlers_that_block_and_yield_at_any_point_lose_no_answer_while_connections_come_and_go()
    {
        const int Clients = 12;
        const int Rounds = 12;
        const int Pipelined = 6;
        var seed = Random.Shared.Next();
        await using var app = await StartAsync(routes => routes.MapPost("/{number:int}", async (int number, HttpContext context) =>
        {
            var random = new Random(seed + number);
            await PauseAsync(random);
            var body = new byte[10];
            await context.Request.Body.ReadExactlyAsync(body.AsMemory(0, 5));
            await PauseAsync(random);
            await context.Request.Body.ReadExactlyAsync(body.AsMemory(5));
            await PauseAsync(random);
            context.Response.ContentLength = 20;
            await context.Response.Body.WriteAsync(body);
            await PauseAsync(random);
            await context.Response.Body.FlushAsync();
            await PauseAsync(random);
            await context.Response.Body.WriteAsync(body);
            await context.Response.CompleteAsync();
            await PauseAsync(random);
        }));
        await Wait.ForAsync(Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (client, _) =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                using var socket = await app.ConnectAsync();
                var requests = new StringBuilder();
                var expected = new StringBuilder();
                for (var i = 0; i < Pipelined; i++)
                {
                    var number = (((client * Rounds) + round) * Pipelined) + i;
                    requests.Append($"POST /{number} HTTP/1.1\r\nHost: test\r\n{(i == Pipelined - 1 ? "Connection: close\r\n" : "")}Content-Length: 10\r\n\r\n{number:d10}");
                    expected.Append($"{number:d10}{number:d10}");
                }

                // In two pieces, so that some takeovers fall between them.
                var text = requests.ToString();
                var cut = new Random(seed + (client * Rounds) + round).Next(1, text.Length);
                await socket.SendAsync(text[..cut]);
                await socket.SendAsync(text[cut..]);
                if (round % 4 == 3)
                {
                    socket.Reset();
                    continue;
                }

                var answers = (await socket.ReceiveAllAsync()).Split("HTTP/1.1 200 OK").Skip(1).Select(static answer => answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
                Assert.True(expected.ToString() == string.Concat(answers), $"Client {client}, round {round}, seed {seed}: not all answers, or others.");
            }
        }));
        await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, "all slots are back");

        static async ValueTask PauseAsync(Random random)
        {
            switch (random.Next(12))
            {
                case 0:
                    Thread.Sleep(random.Next(4));
                    break;
                case 1:
                    Task.Delay(1).GetAwaiter().GetResult();
                    break;
                case 2:
                    await Task.Yield();
                    break;
                case 3:
                    await Task.Delay(1);
                    break;
            }
        }
    }

    [Fact]
    public async Task Handlers_that_wait_for_each_other_end_while_the_loop_is_handed_on_before_quick_ones()
    {
        // There was a bug: a spare thread that was told late of an offer, as happens after a quick handler, took another offer while it
        // was parked. The loop was then given to it when the next handler blocked, and stood still.
        const int Pairs = 6;
        const int Rounds = 60;
        var meetings = Enumerable.Range(0, Pairs * Rounds).Select(static _ => new Barrier(2)).ToArray();
        await using var app = await StartAsync(routes =>
        {
            routes.MapGet("/quick", static () => "quick");
            routes.MapGet("/meet/{number:int}", (int number) => meetings[number].SignalAndWait(Wait.Limit) ? "met" : "alone");
        });
        using var client = app.CreateClient();
        using var stop = new CancellationTokenSource();
        var quick = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal("quick", await client.GetStringAsync("/quick"));
            }
        })));
        await Wait.ForAsync(Task.WhenAll(Enumerable.Range(0, 2 * Pairs).Select(member => Task.Run(async () =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                Assert.Equal("met", await client.GetStringAsync($"/meet/{(member / 2 * Rounds) + round}"));
            }
        }))));
        await stop.CancelAsync();
        await Wait.ForAsync(quick);
        foreach (var meeting in meetings)
        {
            meeting.Dispose();
        }
    }

    private static Task<ServedApp> StartAsync(Action<WebApplication> map) =>
        ServedApp.StartAsync(ServedBy.EpollAdaptive, map, configure: static options => options.EventLoops = 1);
}
