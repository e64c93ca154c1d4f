using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Draining;
using KestrelGreenTransport.Tests.Draining;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>Handlers that never complete after their clients have left do not keep a slot for ever; Kestrel reports them over every transport.</summary>
public class AbandonedHandlerTests
{
    private const int Slots = 4;

    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    public static TheoryData<ServedBy> ByOurs => DrainTests.ByOurs;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_pool_full_of_handlers_that_never_complete_serves_again_when_their_clients_have_left(ServedBy by)
    {
        using var begun = new SemaphoreSlim(0);
        await using var app = await ServedApp.StartAsync(
            by,
            routes =>
            {
                routes.MapGet("/", static () => "hello");
                routes.MapGet("/never/{number:int}", (int number) =>
                {
                    begun.Release();
                    return Never();
                });
            },
            configure: static options => options.WorkerConnections = Slots);
        await LeaveAsync(app, begun);

        // Nothing here triggers a collection: with a limited number of slots, the transport does.
        using (var client = await app.ConnectAsync())
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            Assert.EndsWith("\r\n5\r\nhello\r\n0\r\n\r\n", await client.ReceiveAllAsync(), StringComparison.Ordinal);
        }

        await Wait.UntilAsync(
            () =>
            {
                GC.Collect();
                return app.Logs.OfKestrel.Count(static line => line.Contains("never completed", StringComparison.Ordinal)) == Slots;
            },
            "Kestrel has told of each");
        if (by == ServedBy.Stock)
        {
            return;
        }

        await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, "all slots are back");
        var told = app.Logs.All.Where(static line => line.Id == 50).ToList();
        Assert.All(Enumerable.Range(0, Slots), number => Assert.Single(told, line => line.Text.Contains($"/never/{number} ", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task A_process_that_stops_does_not_wait_until_its_limit_for_them(ServedBy by)
    {
        var time = new FakeTimeProvider();
        using var begun = new SemaphoreSlim(0);
        await using var app = await ServedApp.StartAsync(
            by,
            routes => routes.MapGet("/never/{number:int}", (int number) =>
            {
                begun.Release();
                return Never();
            }),
            configure: static options => options.GracefulTimeout = TimeSpan.FromDays(1),
            build: builder => builder.Services.AddSingleton(new TransportClock(time)));
        await LeaveAsync(app, begun);

        // Nothing here triggers a collection: the drain does.
        var stopping = app.StopAsync();
        while (!stopping.IsCompleted)
        {
            time.Advance(DrainPlan.Tick);
            await Task.WhenAny(stopping, Task.Delay(1));
        }

        await stopping;
        Assert.Equal(0, app.Logs.Count(21));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_handler_that_goes_on_after_its_client_has_left_is_not_collected(ServedBy by)
    {
        using var begun = new SemaphoreSlim(0);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hasGone = new TaskCompletionSource();
        var done = new TaskCompletionSource<string>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            try
            {
                await connection.Transport.Input.ReadTextAsync(3);
                using var registration = connection.ConnectionClosed.Register(hasGone.SetResult);
                begun.Release();
                await goOn.Task;

                // More than the kernel takes at once, so the flush waits for the loop.
                await connection.Transport.Output.WriteAsync(new byte[10_000_000]);
                var rest = await connection.Transport.Input.ReadAsync();
                done.SetResult($"{rest.Buffer.Length} {rest.IsCompleted}");
            }
            catch (Exception exception)
            {
                done.TrySetException(exception);
            }
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("ask");
        Assert.True(await begun.WaitAsync(Wait.Limit));
        client.Shutdown(SocketShutdown.Send);
        await Wait.ForAsync(hasGone.Task);
        Collect();
        goOn.SetResult();
        var buffer = new byte[100_000];
        for (var left = 10_000_000; left > 0;)
        {
            var received = await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory()).AsTask());
            Assert.NotEqual(0, received);
            left -= received;
            GC.Collect(0);
        }

        Assert.Equal("0 True", await Wait.ForAsync(done.Task));
        Assert.Equal(0, app.Logs.Count(50));
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private static async Task<string> Never()
    {
        await new TaskCompletionSource().Task;
        return "never";
    }

    // A separate method, so that no local of a test keeps a connection alive.
    private static async Task LeaveAsync(ServedApp app, SemaphoreSlim begun)
    {
        for (var number = 0; number < Slots; number++)
        {
            var client = await app.ConnectAsync();
            await client.SendAsync($"GET /never/{number} HTTP/1.1\r\nHost: test\r\n\r\n");
            Assert.True(await begun.WaitAsync(Wait.Limit));
            if (number % 2 == 0)
            {
                client.Reset();
            }

            client.Dispose();
        }
    }
}
