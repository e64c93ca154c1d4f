using System.Net;
using KestrelGreenTransport.Contract;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Tests.Worker;

public class GateTests
{
    [Fact]
    public async Task A_worker_behind_a_closed_gate_is_ready_beats_and_leaves_clients_in_the_queue_until_it_opens()
    {
        await using var worker = new WorkerApp(startsClosed: true);
        await worker.ServeAsync();
        await worker.UntilStateAsync(WorkerState.Standby);
        var beats = worker.Heartbeat.Beat.Beats;
        using var client = worker.App.CreateClient();
        var asked = client.GetStringAsync("/");
        await Wait.UntilAsync(() => worker.Heartbeat.Beat.Beats > beats + 10, "ten beats");
        Assert.False(asked.IsCompleted);
        Assert.Equal(0, worker.Board.Accepted);

        worker.Lifeline.Send("{\"type\":\"open\"}");
        Assert.Equal("hello", await asked);
        await worker.UntilStateAsync(WorkerState.Serving);
    }

    [Fact]
    public async Task A_worker_may_be_told_to_stand_by_again_and_keeps_the_connections_that_it_has()
    {
        await using var worker = new WorkerApp();
        await worker.ServeAsync();
        using var client = worker.App.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));

        worker.Lifeline.Send("{\"type\":\"close\"}");
        await worker.UntilStateAsync(WorkerState.Standby);
        Assert.Equal("hello", await client.GetStringAsync("/"));
        using var second = worker.App.CreateClient();
        var asked = second.GetStringAsync("/");
        Assert.Equal("hello", await client.GetStringAsync("/"));
        Assert.False(asked.IsCompleted);

        worker.Lifeline.Send("{\"type\":\"open\"}");
        Assert.Equal("hello", await asked);
    }

    [Fact]
    public async Task A_worker_warms_itself_through_the_whole_pipeline_behind_its_closed_gate()
    {
        var asked = "";
        await using var worker = new WorkerApp(startsClosed: true, map: app =>
        {
            app.MapGet("/", static () => "hello");
            app.MapGet("/warm", (HttpContext context) =>
            {
                asked = $"{context.Request.Scheme} {context.Request.Host} {context.Request.Headers.UserAgent} {context.Connection.Id}";
                return new string('x', 200_000);
            });
        });
        await worker.ServeAsync();
        worker.Lifeline.Send("{\"type\":\"warm\",\"path\":\"/warm\"}");

        var warmed = await worker.Lifeline.ReceiveAsync();
        Assert.Equal(("warmed", null), (warmed.Type, warmed.Message));
        Assert.Equal("http localhost green-warm-up warm-up", asked);
        Assert.Equal((0, 0), (worker.Board.Accepted, worker.Board.Connections));

        worker.Lifeline.Send("{\"type\":\"open\"}");
        using var client = worker.App.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
    }

    [Fact]
    public async Task An_endpoint_that_takes_no_plain_text_is_asked_by_TLS()
    {
        var scheme = "";
        using var certificate = Certificates.SelfSigned("localhost");
        await using var worker = new WorkerApp(
            startsClosed: true,
            map: app => app.MapGet("/", (HttpContext context) => scheme = context.Request.Scheme),
            kestrel: options => options.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        await worker.ServeAsync();
        worker.Lifeline.Send("{\"type\":\"warm\",\"path\":\"/\"}");

        Assert.Null((await worker.Lifeline.ReceiveAsync()).Message);
        Assert.Equal("https", scheme);
    }

    [Theory]
    [InlineData("/fails", "/fails was answered with 500")]
    [InlineData("/missing", null)]
    public async Task A_warm_up_that_fails_says_of_what(string path, string? problem)
    {
        await using var worker = new WorkerApp(startsClosed: true, map: app => app.MapGet("/fails", static string () => throw new InvalidOperationException("no database")));
        await worker.ServeAsync();
        worker.Lifeline.Send($$"""{"type":"warm","path":"{{path}}"}""");

        Assert.Equal(problem, (await worker.Lifeline.ReceiveAsync()).Message);
    }

    [Fact]
    public async Task Warming_up_is_only_for_those_that_have_not_served()
    {
        await using var worker = new WorkerApp();
        await worker.ServeAsync();
        worker.Lifeline.Send("{\"type\":\"warm\",\"path\":\"/\"}");

        Assert.Equal("no endpoint answered /", (await worker.Lifeline.ReceiveAsync()).Message);
    }

    [Fact]
    public async Task A_worker_that_stands_by_drains_and_leaves()
    {
        await using var worker = new WorkerApp(startsClosed: true);
        await worker.ServeAsync();
        worker.Lifeline.Send("{\"type\":\"drain\",\"deadlineMs\":30000}");
        await worker.StoppedAsync();
        Assert.Equal(WorkerState.Draining, worker.Board.State);
    }
}
