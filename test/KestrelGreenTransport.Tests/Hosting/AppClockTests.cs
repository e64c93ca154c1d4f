using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Tests.Draining;
using KestrelGreenTransport.Tests.Epoll;
using KestrelGreenTransport.Tests.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Hosting;

/// <summary>The app's TimeProvider stands still in all of these, as it does in an integration test.</summary>
public class AppClockTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    private const string GetAndClose = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

    /// <summary>Kestrel's own transport is the reference: an app that stops with it must stop with ours.</summary>
    public static TheoryData<ServedBy> ByAll => [ServedBy.Stock, ServedBy.Sockets, ServedBy.EpollAdaptive];

    public static TheoryData<ServedBy> ByOurs => DrainTests.ByOurs;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_app_with_an_idle_client_stops(ServedBy by)
    {
        await using var app = await StartAsync(by);
        using var idle = await app.ConnectAsync();
        await idle.SendAsync(Get);
        await idle.ExpectAnswerAsync();
        await Wait.ForAsync(app.StopAsync());
        Assert.Empty(await Wait.ForAsync(idle.ReceiveAllAsync()));
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task What_is_left_at_the_limit_of_a_drain_is_cut_off(ServedBy by)
    {
        var begun = new TaskCompletionSource();
        await using var app = await StartAsync(
            by,
            routes => routes.MapGet("/", async (CancellationToken aborted) =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.Infinite, aborted);
            }),
            static options => options.GracefulTimeout = TimeSpan.FromMilliseconds(50));
        using var client = await app.ConnectAsync();
        await client.SendAsync(Get);
        await Wait.ForAsync(begun.Task);
        await Wait.ForAsync(app.StopAsync());
        Assert.Equal(1, app.Logs.Count(21));
    }

    [Theory]
    [MemberData(nameof(ByOurs))]
    public async Task An_idle_connection_gives_its_slot_to_a_client_that_waits(ServedBy by)
    {
        await using var app = await StartAsync(by, configure: static options => options.WorkerConnections = 1);
        using var idle = await app.ConnectAsync();
        await idle.SendAsync(Get);
        await idle.ExpectAnswerAsync();
        using var waiting = await app.ConnectAsync();
        await waiting.SendAsync(GetAndClose);
        Assert.Contains("hello", await Wait.ForAsync(waiting.ReceiveAllAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_blocks_its_loop_loses_it()
    {
        using var blocked = new ManualResetEventSlim();
        await using var app = await StartAsync(
            ServedBy.EpollAdaptive,
            routes =>
            {
                routes.MapGet("/", static () => "hello");
                routes.MapGet("/blocks", () => blocked.Wait(Wait.Limit));
            },
            static options => options.EventLoops = 1);
        using var first = await app.ConnectAsync();
        await first.SendAsync("GET /blocks HTTP/1.1\r\nHost: test\r\n\r\n");
        using var second = await app.ConnectAsync();
        await second.SendAsync(GetAndClose);
        Assert.Contains("hello", await Wait.ForAsync(second.ReceiveAllAsync()), StringComparison.Ordinal);
        blocked.Set();
    }

    [Fact]
    public async Task A_worker_beats_is_warmed_drains_and_leaves()
    {
        await using var worker = new WorkerApp(startsClosed: true, build: static builder => builder.Services.AddSingleton<TimeProvider>(new FakeTimeProvider()));
        await worker.ServeAsync();
        worker.Lifeline.Send("""{"type":"warm","path":"/"}""");
        Assert.Equal(("warmed", null), (await worker.Lifeline.ReceiveAsync()) is var warmed ? (warmed.Type, warmed.Message) : default);
        worker.Lifeline.Send("""{"type":"open"}""");
        await worker.UntilStateAsync(WorkerState.Serving);
        var beats = worker.Heartbeat.Beat.Beats;
        await Wait.UntilAsync(() => worker.Heartbeat.Beat.Beats > beats + 2, "more beats");
        using var client = worker.App.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        worker.Lifeline.Send("""{"type":"drain","deadlineMs":60000}""");
        await worker.StoppedAsync();
    }

    /// <summary>Covers what the other tests do not: no class of ours asks the app's services for a clock.</summary>
    [Fact]
    public void No_class_of_the_transport_gets_the_clock_of_the_app()
    {
        var services = new ServiceCollection();
        var app = TestApp.Create(build: builder => services = (ServiceCollection)builder.Services);
        using (app.App as IDisposable)
        {
            var ours = typeof(GreenTransportOptions).Assembly;
            Assert.DoesNotContain(services, static service => service.ServiceType == typeof(TimeProvider));
            Assert.Contains(services, service => service.ImplementationType?.Assembly == ours);
            Assert.DoesNotContain(
                services.Where(service => service.ImplementationType?.Assembly == ours).Select(static service => service.ImplementationType!),
                static type => type.GetConstructors().Any(static one => one.GetParameters().Any(static parameter => parameter.ParameterType == typeof(TimeProvider))));
        }
    }

    private static Task<ServedApp> StartAsync(ServedBy by, Action<WebApplication>? map = null, Action<GreenTransportOptions>? configure = null) =>
        ServedApp.StartAsync(
            by,
            map ?? (static routes => routes.MapGet("/", static () => "hello")),
            configure: configure,
            build: static builder => builder.Services.AddSingleton<TimeProvider>(new FakeTimeProvider()));
}
