using System.Collections.Concurrent;
using System.Net;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Tests.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Tests.WarmUp;

/// <summary>A worker warms up until it is hot or its time is over.</summary>
public class WarmUpTests
{
    [Theory]
    [MemberData(nameof(TestApp.Backends), MemberType = typeof(TestApp))]
    public async Task Requests_of_every_kind_are_repeated_on_connections_that_are_kept_and_on_new_ones(GreenTransportBackend backend)
    {
        var seen = new ConcurrentQueue<string>();
        var connections = new ConcurrentDictionary<object, int>();
        await using var worker = new WorkerApp(
            startsClosed: true,
            build: builder => builder.WebHost.UseGreenTransport(options => options.Backend = backend),
            map: app => app.Map("{**path}", async (HttpContext context) =>
            {
                using var reader = new StreamReader(context.Request.Body);
                seen.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {context.Request.Headers["X-Kind"]} {context.Request.Host} {await reader.ReadToEndAsync()}");
                connections.AddOrUpdate(context.Features.GetRequiredFeature<IConnectionItemsFeature>().Items, 1, static (_, count) => count + 1);

                // In chunks, with a length, without a body.
                context.Response.ContentLength = context.Request.Path == "/post" ? 4 : null;
                await context.Response.WriteAsync("done");
            }));
        await worker.ServeAsync();
        worker.Lifeline.Send("""
            {"type":"warm","timeMs":5000,"warmUp":[
              {"method":"GET","path":"/get?a=1"},
              {"method":"POST","path":"/post","headers":["X-Kind: green","Host: shop"],"body":"{\"ä\":1}"},
              {"method":"HEAD","path":"/head"}]}
            """);

        Assert.Null((await worker.Lifeline.ReceiveAsync()).Message);
        Assert.Equal(["GET /get?a=1  localhost ", "HEAD /head  localhost ", "POST /post green shop {\"ä\":1}"], seen.Distinct().Order());
        Assert.All(seen.CountBy(static request => request), static request => Assert.True(request.Value > 3, $"{request}"));
        Assert.True(connections.Count > 4, $"{connections.Count} connections");
        Assert.Contains(connections.Values, static requests => requests > 1);
    }

    [Fact]
    public async Task Nothing_of_it_is_counted_or_logged_and_no_metric_sees_it()
    {
        using var folder = new TemporaryFolder();
        var metrics = new ConcurrentQueue<bool>();
        await using (var worker = new WorkerApp(
            startsClosed: true,
            build: builder => builder.WebHost.UseGreenTransport(options => options.AccessLog = folder.File("access.log")),
            map: app => app.MapGet("/", (HttpContext context) =>
            {
                metrics.Enqueue(context.Features.Get<IHttpMetricsTagsFeature>() is { MetricsDisabled: false });
                return "hello";
            })))
        {
            await worker.ServeAsync();
            worker.Lifeline.Send("""{"type":"warm","path":"/","timeMs":5000}""");
            Assert.Equal("warmed", (await worker.Lifeline.ReceiveAsync()).Type);
            Assert.NotEmpty(metrics);
            Assert.DoesNotContain(true, metrics);
            await worker.UntilStateAsync(WorkerState.Standby);
            Assert.Equal((0, 0, 0), (worker.Board.Requests, worker.Board.Accepted, worker.Board.Connections));

            worker.Lifeline.Send("{\"type\":\"open\"}");
            using var client = worker.App.CreateClient();
            Assert.Equal("hello", await client.GetStringAsync("/"));
            await Wait.UntilAsync(() => worker.Board.Requests == 1, "the client's request");
            await Wait.UntilAsync(() => worker.Lifeline.TryReceive() is { Type: LifelineTypes.Stats, Requests: 1 }, "the same figures in the worker's message");
        }

        Assert.DoesNotContain("green-warm-up", Assert.Single(await File.ReadAllLinesAsync(folder.File("access.log"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_hangs_ends_the_warm_up_when_its_time_is_over_and_clients_are_served()
    {
        await using var worker = new WorkerApp(
            startsClosed: true,
            map: app =>
            {
                app.MapGet("/", static () => "hello");
                app.MapGet("/hangs", static (HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted));
            });
        await worker.ServeAsync();
        worker.Lifeline.Send("""{"type":"warm","timeMs":200,"warmUp":[{"method":"GET","path":"/hangs"},{"method":"GET","path":"/"}]}""");

        var warmed = await worker.Lifeline.ReceiveAsync();
        Assert.Equal((true, "/hangs was not answered within 200ms (WarmUpTime)"), (warmed.TimedOut, warmed.Message));
        worker.Lifeline.Send("{\"type\":\"open\"}");
        using var client = worker.App.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
    }

    [Theory]
    [InlineData("/hangs")]
    [InlineData("/")]
    public async Task A_warm_up_ends_at_once_when_the_gate_opens(string path)
    {
        var isAsked = new TaskCompletionSource();
        await using var worker = new WorkerApp(
            startsClosed: true,
            map: app =>
            {
                app.MapGet("/", () =>
                {
                    isAsked.TrySetResult();
                    return "hello";
                });
                app.MapGet("/hangs", (HttpContext context) =>
                {
                    isAsked.TrySetResult();
                    return Task.Delay(Timeout.Infinite, context.RequestAborted);
                });
            });
        await worker.ServeAsync();
        worker.Lifeline.Send($$"""{"type":"warm","timeMs":600000,"warmUp":[{"method":"GET","path":"{{path}}"}]}""");
        await isAsked.Task.WaitAsync(Wait.Limit);

        worker.Lifeline.Send("{\"type\":\"open\"}");
        using var client = worker.App.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        var warmed = await worker.Lifeline.ReceiveAsync();
        Assert.Equal(("warmed", null, null), (warmed.Type, warmed.Message, warmed.TimedOut));
    }

    [Fact]
    public async Task Only_the_first_answer_is_a_verdict_a_limit_on_how_often_a_client_may_ask_is_none()
    {
        var asked = 0;
        await using var worker = new WorkerApp(
            startsClosed: true,
            map: app => app.MapGet("/", () => Interlocked.Increment(ref asked) == 1 ? Results.Ok() : Results.StatusCode((int)HttpStatusCode.ServiceUnavailable)));
        await worker.ServeAsync();
        worker.Lifeline.Send("""{"type":"warm","path":"/","timeMs":600000}""");
        Assert.Null((await worker.Lifeline.ReceiveAsync()).Message);
        Assert.InRange(asked, 2, 20);
    }

    [Fact]
    public async Task A_recorded_route_that_is_answered_badly_is_no_verdict_on_the_app()
    {
        await using var worker = new WorkerApp(startsClosed: true, map: static app => app.MapGet("/fails", static string () => throw new InvalidOperationException("no cookie")));
        await worker.ServeAsync();
        worker.Lifeline.Send("""{"type":"warm","timeMs":600000,"warmUp":[{"method":"GET","path":"/fails","route":"/fails"}]}""");
        Assert.Null((await worker.Lifeline.ReceiveAsync()).Message);
    }

    [Fact]
    public async Task A_worker_tells_which_routes_its_clients_asked_for_and_not_which_ones_it_asked_for_itself()
    {
        await using var worker = new WorkerApp(startsClosed: true, recordedQuery: ["page"], map: static app =>
        {
            app.MapGet("/list/{kind}", static () => "list");
            app.MapGet("/own", static () => "own");
            app.MapPost("/list/{kind}", static () => "made");
        });
        await worker.ServeAsync();
        worker.Lifeline.Send("""{"type":"warm","path":"/own"}""");
        Assert.Equal("warmed", (await worker.Lifeline.ReceiveAsync()).Type);
        worker.Lifeline.Send("{\"type\":\"open\"}");
        using var client = worker.App.CreateClient();
        client.DefaultRequestHeaders.Add("Cookie", "session=secret");
        await client.PostAsync("/list/toys?page=1", null);
        await client.GetStringAsync("/list/toys?page=1&token=secret");

        LifelineMessage message;
        do
        {
            message = await worker.Lifeline.ReceiveAsync();
        }
        while (message.Type != LifelineTypes.Recorded);

        Assert.Equal(new WarmUpRequest("GET", "/list/toys?page=1") { Route = "/list/{kind}" }, Assert.Single(message.WarmUp!));
    }

    [Theory]
    [InlineData("""{"method":"GET","path":"no slash"}""")]
    [InlineData("""{"method":"GET","path":"/a\r\nX: y"}""")]
    [InlineData("""{"method":"GET /","path":"/a"}""")]
    [InlineData("""{"method":"GET","path":"/a","headers":["X: y\r\n\r\nGET /b HTTP/1.1"]}""")]
    [InlineData("""{"method":"GET","path":"/a","headers":["Transfer-Encoding: chunked"]}""")]
    [InlineData("""{"method":"GET","path":"/a","headers":[null]}""")]
    [InlineData("""{"path":"/a"}""")]
    [InlineData("null")]
    public void A_request_that_is_none_makes_no_message(string request) =>
        Assert.False(LifelineMessage.TryParse(System.Text.Encoding.UTF8.GetBytes($$"""{"type":"warm","warmUp":[{{request}}]}"""), out _, out _));
}
