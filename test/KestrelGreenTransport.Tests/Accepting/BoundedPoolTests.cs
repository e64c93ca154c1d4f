using Microsoft.AspNetCore.Builder;

namespace KestrelGreenTransport.Tests.Accepting;

public class BoundedPoolTests
{
    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task An_app_answers_over_the_transport(GreenTransportBackend backend)
    {
        await using var app = await TestApp.StartAsync(options => options.Backend = backend);
        using var client = app.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        Assert.Equal((1, 1), (app.Pool.Held, app.Pool.Accepted));
    }

    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task Of_five_clients_at_a_pool_of_two_three_wait_and_all_succeed(GreenTransportBackend backend)
    {
        var inside = 0;
        var most = 0;
        var gate = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(
            options => (options.Backend, options.WorkerConnections) = (backend, 2),
            map: routes => routes.MapGet("/", async () =>
            {
                most = Math.Max(most, Interlocked.Increment(ref inside));
                await gate.Task;
                Interlocked.Decrement(ref inside);
                return "served";
            }));

        // One connection per request: a client that keeps its connection keeps its slot.
        var requests = Enumerable.Range(0, 5).Select(_ => Task.Run(async () =>
        {
            using var client = app.CreateClient();
            client.DefaultRequestHeaders.ConnectionClose = true;
            return await client.GetStringAsync("/");
        })).ToArray();

        await Wait.UntilAsync(() => Volatile.Read(ref inside) == 2, "two requests are in the handler");
        await Wait.UntilAsync(() => Queue.LengthOf(app.Address.Port) == 3, "three clients wait in the kernel's queue");
        Assert.Equal((2, 2), (app.Pool.Held, app.Pool.Accepted));

        gate.SetResult();
        Assert.All(await Wait.ForAsync(Task.WhenAll(requests)), answer => Assert.Equal("served", answer));
        Assert.Equal(5, app.Pool.Accepted);
        Assert.InRange(most, 1, 2);
        await Wait.UntilAsync(() => app.Pool.Held == 0, "all slots are back");
    }
}
