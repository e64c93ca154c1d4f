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
            routes.MapGet("/", Seen);
            routes.MapGet("/thread", static () =>
            {
                var seen = "";
                var thread = new Thread(() => seen = Processors());
                thread.Start();
                thread.Join();
                return $"{(LoopThread.Current is null ? "pool" : "loop")} {seen}";
            });
        });
        using var client = app.CreateClient();
        await UntilSeenAsync(client, "/", One);
        await UntilSeenAsync(client, "/thread", Every);

        // Joining blocked the loop; the thread that leads it now is pinned as well.
        await UntilSeenAsync(client, "/", One);
    }

    [Fact]
    public async Task A_handler_that_computes_is_let_go_when_it_has_lost_its_loop()
    {
        var isOver = false;
        await using var app = await StartAsync(pins: true, routes =>
        {
            routes.MapGet("/compute", () =>
            {
                var before = Seen();
                var until = Environment.TickCount64 + (long)Wait.Limit.TotalMilliseconds;
                while (!Volatile.Read(ref isOver) && Environment.TickCount64 < until)
                {
                    Thread.SpinWait(100);
                }

                return $"{before} {Processors()}";
            });
            routes.MapGet("/", Seen);
        });
        using var client = app.CreateClient();
        using var other = app.CreateClient();
        var seen = "";

        // It may start on the thread pool, or lose the loop for another reason, such as being compiled.
        for (var round = 0; seen != $"loop {One} {Every}"; round++)
        {
            Assert.True(round < 100, seen);
            Volatile.Write(ref isOver, false);
            var computing = other.GetStringAsync("/compute");
            await UntilSeenAsync(client, "/", One);
            Volatile.Write(ref isOver, true);
            seen = await computing;
        }
    }

    [Fact]
    public async Task By_default_no_loop_is_tied()
    {
        await using var app = await StartAsync(pins: false, static routes => routes.MapGet("/", Seen));
        using var client = app.CreateClient();
        await UntilSeenAsync(client, "/", Every);
    }

    private static string One => $"{All[0]}";

    private static string Every => string.Join(',', All);

    /// <summary>
    /// Repeats the request until a handler on the loop has seen these processors. On a new connection, or if a request is early, it
    /// may run elsewhere; and while it is compiled it looks like one that computes, loses the loop, and is unpinned.
    /// </summary>
    private static Task UntilSeenAsync(HttpClient client, string path, string processors) =>
        Wait.UntilAsync(async () => await client.GetStringAsync(path) == $"loop {processors}", $"{path} sees the processors {processors} on the loop");

    private static string Seen() => $"{(LoopThread.Current is null ? "pool" : "loop")} {Processors()}";

    private static string Processors() => string.Join(',', ThreadAffinity.Read(ThreadAffinity.Caller));

    private static Task<ServedApp> StartAsync(bool pins, Action<WebApplication> map) =>
        ServedApp.StartAsync(ServedBy.EpollAdaptive, map, configure: options => (options.EventLoops, options.PinEventLoops) = (1, pins));
}
