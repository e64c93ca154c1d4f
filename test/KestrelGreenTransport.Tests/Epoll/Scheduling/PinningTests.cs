using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;
using Microsoft.AspNetCore.Builder;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

public class PinningTests
{
    private static readonly IReadOnlyList<int> All = ThreadAffinity.Read(Environment.ProcessId);

    [Theory]
    [InlineData(2, 1, "4,5")]
    [InlineData(2, 2, "7,4")]
    [InlineData(1, 3, "7")]
    [InlineData(4, 1, "4,5,7,4")]
    public void Loops_and_workers_take_turns_over_the_processors(int loops, int worker, string expected) =>
        Assert.Equal(expected, string.Join(',', LoopProcessor.Share(loops, worker, [4, 5, 7]).Select(static processor => processor.Number)));

    [Fact]
    public async Task A_loop_stays_on_its_processor_and_what_a_handler_starts_does_not()
    {
        await using var app = await StartAsync(pins: true, static routes =>
        {
            routes.MapGet("/", Processors);
            routes.MapGet("/thread", static () =>
            {
                var seen = "";
                var thread = new Thread(() => seen = Processors());
                thread.Start();
                thread.Join();
                return seen;
            });
        });
        using var client = app.CreateClient();
        Assert.Equal($"{All[0]}", await client.GetStringAsync("/"));
        Assert.Equal(string.Join(',', All), await client.GetStringAsync("/thread"));

        // Joining blocked the loop: whoever leads it now is tied as well.
        Assert.Equal($"{All[0]}", await client.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_handler_that_computes_is_let_go_when_it_has_lost_its_loop()
    {
        using var others = new SemaphoreSlim(0);
        await using var app = await StartAsync(pins: true, routes =>
        {
            routes.MapGet("/compute", () =>
            {
                var before = Processors();
                var until = Environment.TickCount64 + (long)Wait.Limit.TotalMilliseconds;
                while (!others.Wait(TimeSpan.Zero) && Environment.TickCount64 < until)
                {
                    Thread.SpinWait(100);
                }

                return $"{before} {Processors()}";
            });
            routes.MapGet("/", () =>
            {
                others.Release();
                return Processors();
            });
        });
        using var client = app.CreateClient();
        var seen = "";

        // Compiling a handler may make it wait, so that the first one may have lost the loop for that.
        for (var round = 0; seen != $"{All[0]} {string.Join(',', All)}"; round++)
        {
            Assert.True(round < 100, seen);
            var computing = client.GetStringAsync("/compute");
            Assert.Equal($"{All[0]}", await client.GetStringAsync("/"));
            seen = await computing;
            Assert.StartsWith($"{All[0]} ", seen, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task By_default_no_loop_is_tied()
    {
        await using var app = await StartAsync(pins: false, static routes => routes.MapGet("/", Processors));
        using var client = app.CreateClient();
        Assert.Equal(string.Join(',', All), await client.GetStringAsync("/"));
    }

    private static string Processors() => string.Join(',', ThreadAffinity.Read(ThreadAffinity.Caller));

    private static Task<ServedApp> StartAsync(bool pins, Action<WebApplication> map) =>
        ServedApp.StartAsync(ServedBy.EpollAdaptive, map, configure: options => (options.EventLoops, options.PinEventLoops) = (1, pins));
}
