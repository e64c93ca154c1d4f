using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>One order makes all listeners of a process leave their sockets, or return to them.</summary>
public class AcceptGateTests
{
    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task A_closed_gate_leaves_clients_to_siblings_and_an_open_one_takes_those_that_still_wait(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, new AcceptGate());
        Assert.Equal("hello", await TestApp.GetAsync(sibling.LocalEndPoint!));

        app.Gate.Close();
        using (var taken = await ConnectAsync(sibling.LocalEndPoint!))
        {
            (await Wait.ForAsync(sibling.AcceptAsync())).Dispose();
        }

        var asked = TestApp.GetAsync(sibling.LocalEndPoint!);
        await Wait.UntilAsync(() => Queue.LengthOf(((IPEndPoint)sibling.LocalEndPoint!).Port) == 1, "the client waits in the kernel's queue");
        app.Gate.Open();
        Assert.Equal("hello", await Wait.ForAsync(asked));
    }

    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task A_process_whose_gate_is_closed_holds_no_slot_and_its_connections_go_on(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, new AcceptGate());
        using var client = app.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync(app.Address));

        app.Gate.Close();
        await Wait.UntilAsync(() => FreeSlotsOf(app.Pool) == app.Pool.Slots - 1, "the slot for the next accept is free again");
        Assert.Equal("hello", await client.GetStringAsync(app.Address));
        Assert.Equal(1, app.Pool.Accepted);
    }

    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task A_process_may_start_behind_a_closed_gate(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, new AcceptGate(isOpen: false));
        var asked = TestApp.GetAsync(sibling.LocalEndPoint!);
        await Wait.UntilAsync(() => Queue.LengthOf(((IPEndPoint)sibling.LocalEndPoint!).Port) == 1, "the client waits in the kernel's queue");
        Assert.Equal(app.Pool.Slots, FreeSlotsOf(app.Pool));

        app.Gate.Open();
        Assert.Equal("hello", await Wait.ForAsync(asked));
    }

    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task Nobody_is_lost_while_the_gate_opens_and_closes(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();

        // Fewer slots than clients: the gate also closes on listeners that wait for a slot.
        await using var app = await StartAsync(backend, sibling, new AcceptGate(), slots: 3);
        var clients = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                Assert.Equal("hello", await TestApp.GetAsync(sibling.LocalEndPoint!));
            }
        })));

        while (!clients.IsCompleted)
        {
            app.Gate.Close();
            await Task.Yield();
            app.Gate.Open();
            await Task.Yield();
        }

        await Wait.ForAsync(clients);
        await Wait.UntilAsync(() => app.Pool.Held == 0, "all connections are gone");
        app.Gate.Close();
        await Wait.UntilAsync(() => FreeSlotsOf(app.Pool) == app.Pool.Slots, "all slots are free");
    }

    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task An_app_behind_a_closed_gate_stops(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, new AcceptGate());
        app.Gate.Close();
        await Wait.ForAsync(app.App.StopAsync());
        app.Gate.Open();
        using var client = await ConnectAsync(sibling.LocalEndPoint!);
        (await Wait.ForAsync(sibling.AcceptAsync())).Dispose();
    }

    [Theory]
    [InlineData(GreenTransportBackend.Sockets)]
    [InlineData(GreenTransportBackend.Epoll)]
    public async Task Who_has_left_its_siblings_for_good_does_not_come_back(GreenTransportBackend backend)
    {
        using var sibling = Listeners.Tcp();
        await using var app = await StartAsync(backend, sibling, new AcceptGate());
        app.Gate.CloseShared();
        app.Gate.Close();
        app.Gate.Open();
        using var client = await ConnectAsync(sibling.LocalEndPoint!);
        (await Wait.ForAsync(sibling.AcceptAsync())).Dispose();
    }

    private static async Task<GatedApp> StartAsync(GreenTransportBackend backend, Socket sibling, AcceptGate gate, int slots = 100) => new(
        await TestApp.StartAsync(
            options => (options.Backend, options.WorkerConnections, options.EventLoops) = (backend, slots, 1),
            build: builder => builder.Services.AddSingleton(gate),
            inherited: Listeners.Inherit(sibling)),
        gate);

    private static async Task<Socket> ConnectAsync(EndPoint endPoint)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(endPoint);
        return client;
    }

    private static long FreeSlotsOf(ConnectionPool pool)
    {
        var taken = new List<Slot>();
        while (pool.TryTake(out var slot))
        {
            taken.Add(slot);
        }

        taken.ForEach(static slot => slot.GiveBack());
        return taken.Count;
    }

    private sealed record GatedApp(TestApp Inner, AcceptGate Gate) : IAsyncDisposable
    {
        public Microsoft.AspNetCore.Builder.WebApplication App => Inner.App;

        public ConnectionPool Pool => Inner.Pool;

        public Uri Address => Inner.Address;

        public HttpClient CreateClient() => Inner.CreateClient();

        public ValueTask DisposeAsync() => Inner.DisposeAsync();
    }
}
