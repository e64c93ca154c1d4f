using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Tests.Draining;
using KestrelGreenTransport.Tests.Epoll;
using KestrelGreenTransport.Tests.Fuzz;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>
/// A failure between the accept and the hand-over costs only this connection: its descriptor is closed, its slot is freed, and
/// neither accepting nor the stop of the process is affected.
///
/// Runs alone: every test's threads pass the interleaving points.
/// </summary>
[Collection(nameof(InterleavingFuzzTests))]
public class FailedHandOverTests
{
    public static TheoryData<ServedBy> ByOurs => DrainTests.ByOurs;

#if DEBUG
    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Without_memory_for_a_connection_its_slot_and_descriptor_come_back(ServedBy by)
    {
        string[] points = ["a connection is accepted and not made yet", "a connection is made and not handed out yet"];
        await using var app = await StartAsync(by);
        foreach (var point in points)
        {
            try
            {
                var isThrown = 0;
                Interleaving.Visitor = passed =>
                {
                    if (passed == point && Interlocked.Exchange(ref isThrown, 1) == 0)
                    {
                        throw new InsufficientMemoryException("for the test");
                    }
                };
                await ExpectRefusalAsync(app);
            }
            finally
            {
                Interleaving.Visitor = null;
            }

            await ExpectAnswerAsync(app);
        }

        Assert.Equal(points.Length, app.Logs.Count(5));
        await ExpectQuickStopAsync(app);
    }
#endif

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task Figures_of_the_siblings_that_cannot_be_had_cost_no_more(ServedBy by)
    {
        var siblings = new ThrowingSiblings();
        using var listener = Listeners.Tcp();
        var logs = new LogLines();
        await using var app = await TestApp.StartAsync(
            options =>
            {
                options.Backend = by == ServedBy.Sockets ? GreenTransportBackend.Sockets : GreenTransportBackend.Epoll;
                (options.WorkerConnections, options.EventLoops) = (2, 1);
            },
            inherited: Listeners.Inherit(listener),
            build: builder => builder.Services.AddSingleton<ISiblings>(siblings).AddSingleton<ILoggerFactory>(logs));
        for (var i = 0; i < 3; i++)
        {
            siblings.Throws = true;
            using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(listener.LocalEndPoint!);
            Assert.Equal("", await client.ReceiveAllAsync());
            siblings.Throws = false;
            Assert.Equal("hello", await TestApp.GetAsync(listener.LocalEndPoint!));
        }

        Assert.Equal(3, logs.Count(5));
        var pool = app.Pool;
        await Wait.UntilAsync(() => pool.Held == 0, "all connections have ended");
        await Wait.ForAsync(app.App.StopAsync());
        Assert.Equal(0, logs.Count(21));
        Assert.False(pool.IsInUse);
    }

    private static Task<ServedApp> StartAsync(ServedBy by) => ServedApp.StartAsync(
        by, static routes => routes.MapGet("/", static () => "hello"), configure: static options => (options.WorkerConnections, options.EventLoops) = (2, 1));

    private static async Task ExpectRefusalAsync(ServedApp app)
    {
        try
        {
            using var client = await app.ConnectAsync();
            Assert.Equal("", await client.ReceiveAllAsync());
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // A .NET socket that is disposed during a receive is reset, even before its client knows that it is connected.
        }

        await Wait.UntilAsync(() => app.State.Pools[0].Held == 0, "its slot has come back");
    }

    private static async Task ExpectAnswerAsync(ServedApp app)
    {
        using var client = app.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
    }

    private static async Task ExpectQuickStopAsync(ServedApp app)
    {
        var pool = app.State.Pools[0];
        await Wait.UntilAsync(() => pool.Held == 0, "all connections have ended");
        await Wait.ForAsync(app.StopAsync());
        Assert.Equal(0, app.Logs.Count(21));
        Assert.False(pool.IsInUse);
    }

    private sealed class ThrowingSiblings : ISiblings
    {
        public event Action? Died
        {
            add { }
            remove { }
        }

        public bool Throws { get; set; }

        public bool MayExist => true;

        public long Held => 0;

        public SiblingFigures Look() => default;

        public void OnAccepted()
        {
            if (Throws)
            {
                throw new InvalidOperationException("for the test");
            }
        }
    }
}
