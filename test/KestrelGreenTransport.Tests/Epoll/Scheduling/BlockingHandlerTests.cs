using System.Globalization;
using KestrelGreenTransport.Epoll.Loop;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

/// <summary>Handlers that block, on one event loop, with the guard.</summary>
public class BlockingHandlerTests
{
    [Fact]
    public async Task A_handler_that_blocks_does_not_hold_up_other_connections()
    {
        using var release = new ManualResetEventSlim();
        await using var app = await StartAsync(routes =>
        {
            routes.MapGet("/block", () =>
            {
                release.Wait();
                return "released";
            });
            routes.MapGet("/", () => "hello");
        });
        using var client = app.CreateClient();
        await client.GetStringAsync("/");
        var blocked = client.GetStringAsync("/block");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("hello", await client.GetStringAsync("/"));
        }

        Assert.False(blocked.IsCompleted);
        release.Set();
        Assert.Equal("released", await blocked);
        Assert.Equal("hello", await client.GetStringAsync("/"));
    }

    [Fact]
    public async Task When_every_handler_blocks_until_all_have_begun_all_end()
    {
        const int Clients = 50;
        using var all = new CountdownEvent(Clients);
        await using var app = await StartAsync(routes => routes.MapGet("/", () =>
        {
            all.Signal();
            Assert.True(all.Wait(Wait.Limit));
            return "all are here";
        }));
        using var client = app.CreateClient();
        var answers = await Wait.ForAsync(Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => client.GetStringAsync("/"))));
        Assert.All(answers, static answer => Assert.Equal("all are here", answer));
    }

    [Fact]
    public async Task A_handler_may_wait_for_another_request_to_the_same_server()
    {
        HttpClient? inner = null;
        await using var app = await StartAsync(routes => routes.MapGet("/{depth:int}", (int depth) =>
            depth == 0 ? "bottom" : inner!.GetStringAsync($"/{depth - 1}").GetAwaiter().GetResult()));
        using var client = inner = app.CreateClient();
        Assert.Equal("bottom", await client.GetStringAsync("/10"));
        var answers = await Wait.ForAsync(Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.GetStringAsync("/5"))));
        Assert.All(answers, static answer => Assert.Equal("bottom", answer));
    }

    [Fact]
    public async Task Synchronous_reads_of_bodies_that_come_late_hold_up_nobody()
    {
        await using var app = await StartAsync(
            routes =>
            {
                routes.MapPost("/", (HttpContext context) =>
                {
                    using var reader = new StreamReader(context.Request.Body);
#pragma warning disable CA1849 // The test is about handlers that do it.
                    return reader.ReadToEnd();
#pragma warning restore CA1849
                });
                routes.MapGet("/", () => "hello");
            });
        using var slow = await app.ConnectAsync();
        await slow.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 10\r\n\r\n01234");
        using var client = app.CreateClient();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("hello", await client.GetStringAsync("/"));
        }

        await slow.SendAsync("56789");
        Assert.EndsWith("0123456789\r\n0\r\n\r\n", await slow.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_that_was_flushed_before_a_handler_blocks_is_not_held_back()
    {
        using var release = new ManualResetEventSlim();
        await using var app = await StartAsync(routes => routes.MapGet("/{name}", async (string name, HttpContext context) =>
        {
            context.Response.ContentLength = name.Length;
            await context.Response.WriteAsync(name);
            if (name == "second")
            {
                await context.Response.Body.FlushAsync();
                release.Wait();
            }
        }));
        using var client = await app.ConnectAsync();

        // Three requests in one send: while the third one is unconsumed, the answers to the others are held back.
        await client.SendAsync("GET /first HTTP/1.1\r\nHost: test\r\n\r\nGET /second HTTP/1.1\r\nHost: test\r\n\r\nGET /third HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        var answer = "";
        var buffer = new byte[10_000];
        while (!answer.EndsWith("second", StringComparison.Ordinal))
        {
            answer += System.Text.Encoding.ASCII.GetString(buffer, 0, await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory()).AsTask()));
        }

        release.Set();
        Assert.EndsWith("third", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Handlers_that_block_often_and_briefly_have_the_loop_handed_on_and_later_kept_again()
    {
        EventLoop? loop = null;
        await using var app = await StartAsync(routes => routes.MapGet("/{milliseconds:int}", (int milliseconds) =>
        {
            loop ??= LoopThread.Current?.Loop;
            Thread.Sleep(milliseconds);
            return milliseconds.ToString(CultureInfo.InvariantCulture);
        }));
        using var client = app.CreateClient();

        // The first request of a connection may run on the thread pool.
        await AskUntilAsync(() => loop is not null, "a handler has run on the loop");

        var sawHandingOn = false;
        await Wait.ForAsync(Parallel.ForAsync(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 40 }, async (_, cancelled) =>
        {
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal("20", await client.GetStringAsync("/20", cancelled));
                sawHandingOn |= loop!.HandsOn;
            }
        }));
        Assert.True(sawHandingOn);
        await AskUntilAsync(() => !loop!.HandsOn, "the loop is kept again");

        Task AskUntilAsync(Func<bool> fact, string what) => Wait.UntilAsync(
            async () =>
            {
                await client.GetStringAsync("/0");
                return fact();
            },
            what);
    }

    private static Task<ServedApp> StartAsync(Action<WebApplication> map) => ServedApp.StartAsync(
        ServedBy.EpollAdaptive, map, kestrel: static options => options.AllowSynchronousIO = true, configure: static options => options.EventLoops = 1);
}
