using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace KestrelGreenTransport.Tests.Worker;

public class WorkerHostTests
{
    [Fact]
    public async Task A_worker_says_hello_is_ready_beats_serves_drains_and_leaves()
    {
        await using var worker = new WorkerApp();
        await worker.ServeAsync();
        await worker.UntilStateAsync(WorkerState.Serving);
        var first = worker.Heartbeat.Beat;
        Assert.Equal((Environment.ProcessId, 2, 7), (first.Pid, first.Index, first.Generation));
        await Wait.UntilAsync(() => worker.Heartbeat.Beat.Beats > first.Beats, "another beat");

        using var client = worker.App.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        await Wait.UntilAsync(() => worker.Board is { Requests: 1, RequestsInFlight: 0, Accepted: 1, Connections: 1 }, "the request on the board");
        Assert.Equal(1000, worker.Board.Slots);

        worker.Lifeline.Send("{\"type\":\"drain\",\"deadlineMs\":30000}");
        await worker.StoppedAsync();
        Assert.Equal(WorkerState.Draining, worker.Board.State);
        Assert.Empty(worker.Exit.Exits);
    }

    [Fact]
    public async Task A_worker_whose_heartbeat_file_is_full_beats_over_the_lifeline()
    {
        await using var worker = new WorkerApp(heartbeatFile: "/dev/full");
        await worker.ServeAsync();
        var first = await worker.Lifeline.ReceiveAsync();
        var second = await worker.Lifeline.ReceiveAsync();
        Assert.Equal(("beat", (int)WorkerState.Serving), (first.Type, first.State));
        Assert.True(second.At > first.At);
        Assert.InRange(second.At!.Value, 1, TimeProvider.System.Nanoseconds());
    }

    [Fact]
    public async Task A_worker_hears_that_a_sibling_died()
    {
        await using var worker = new WorkerApp();
        await worker.ServeAsync();
        var died = new TaskCompletionSource();
        worker.App.App.Services.GetRequiredService<BoardSiblings>().Died += () => died.TrySetResult();
        worker.Lifeline.Send("""{"type":"siblingDied","index":1}""");
        await Wait.ForAsync(died.Task);
    }

    [Fact]
    public async Task Hello_is_said_before_anything_is_bound_and_no_beat_before_the_host_runs()
    {
        var gate = new GatedService(start: true);
        await using var worker = new WorkerApp(build: builder => builder.Services.AddSingleton<IHostedService>(gate));
        var serving = worker.ServeAsync();
        await Wait.UntilAsync(() => worker.Board.Pid == Environment.ProcessId, "the worker's record on the board");

        // After many intervals there is still no beat: the host waits for a service and has bound nothing.
        var written = worker.Board.WrittenAt;
        await Wait.UntilAsync(() => worker.Board.WrittenAt - written > 10 * TimeSpan.FromMilliseconds(20).ToNanoseconds(), "ten intervals");
        Assert.Equal(WorkerState.Booting, worker.Board.State);
        Assert.Equal(HeartbeatOutcome.None, worker.Heartbeat.Outcome);
        Assert.Empty(worker.App.State.Pools);
        Assert.False(serving.IsCompleted);

        gate.LetStart();
        await serving;
        await worker.UntilStateAsync(WorkerState.Serving);
    }

    [Fact]
    public async Task A_worker_that_cannot_bind_has_said_hello_and_is_never_ready()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        await using var worker = new WorkerApp(
            build: builder => builder.WebHost.ConfigureKestrel(options => options.Listen((IPEndPoint)taken.LocalEndpoint)));
        await Assert.ThrowsAnyAsync<IOException>(() => worker.App.App.StartAsync());
        Assert.Equal("hello", worker.Lifeline.TryReceive()?.Type);
        Assert.Null(worker.Lifeline.TryReceive());
        Assert.Equal(HeartbeatOutcome.None, worker.Heartbeat.Outcome);
    }

    [Fact]
    public async Task A_worker_that_cannot_start_says_why()
    {
        await using var worker = new WorkerApp();
        await worker.ServeAsync();
        worker.App.App.Services.GetRequiredService<WorkerFailure>().Report(4, "nobody inherited tcp://127.0.0.1:1");
        Assert.Equal(
            new LifelineMessage { Type = "failed", ExitCode = 4, Message = "nobody inherited tcp://127.0.0.1:1" },
            await worker.Lifeline.ReceiveAsync());
    }

    [Fact]
    public async Task A_request_in_flight_finishes_within_the_deadline_of_a_drain()
    {
        var handler = new GatedHandler();
        await using var worker = new WorkerApp(map: handler.Map);
        await worker.ServeAsync();
        using var client = worker.App.CreateClient();
        var answer = client.GetStringAsync("/");
        await Wait.UntilAsync(() => worker.Board.RequestsInFlight == 1, "the request in flight");

        worker.Lifeline.Send("{\"type\":\"drain\",\"deadlineMs\":60000}");
        await worker.UntilStateAsync(WorkerState.Draining);
        handler.Finish();
        Assert.Equal("done", await answer);
        await worker.StoppedAsync();
    }

    [Fact]
    public async Task A_request_beyond_the_deadline_of_a_drain_is_given_up()
    {
        var handler = new GatedHandler();
        await using var worker = new WorkerApp(map: handler.Map);
        await worker.ServeAsync();
        using var client = worker.App.CreateClient();
        var answer = client.GetStringAsync("/");
        await Wait.UntilAsync(() => worker.Board.RequestsInFlight == 1, "the request in flight");

        worker.Lifeline.Send("{\"type\":\"drain\",\"deadlineMs\":50}");
        await Assert.ThrowsAsync<HttpRequestException>(() => answer);
        await worker.StoppedAsync();
    }

    [Fact]
    public async Task A_worker_that_was_told_to_leave_at_once_and_does_not_leaves_by_force()
    {
        var gate = new GatedService(stop: true);
        await using var worker = new WorkerApp(build: builder => builder.Services.AddSingleton<IHostedService>(gate));
        await worker.ServeAsync();
        worker.Lifeline.Send("{\"type\":\"drain\",\"deadlineMs\":0}");
        await Wait.UntilAsync(() => worker.Exit.Exits.Count > 0, "the exit by force");
        Assert.Equal(0, worker.Exit.Exits.First().Code);
        gate.LetStop();
    }

    [Fact]
    public async Task A_process_that_outlives_its_host_after_a_quick_drain_leaves_by_force()
    {
        await using var worker = new WorkerApp();
        await worker.ServeAsync();
        worker.Lifeline.Send("{\"type\":\"drain\",\"deadlineMs\":0}");
        await worker.StoppedAsync();
        await Wait.UntilAsync(() => worker.Exit.Exits.Count > 0, "the exit by force");
    }

    [Fact]
    public async Task The_end_of_the_supervisor_stops_the_worker_gracefully()
    {
        var handler = new GatedHandler();
        await using var worker = new WorkerApp(map: handler.Map);
        await worker.ServeAsync();
        using var client = worker.App.CreateClient();
        var answer = client.GetStringAsync("/");
        await Wait.UntilAsync(() => worker.Board.RequestsInFlight == 1, "the request in flight");

        worker.Lifeline.HangUp();
        await worker.UntilStateAsync(WorkerState.Draining);
        handler.Finish();
        Assert.Equal("done", await answer);
        await worker.StoppedAsync();
    }

    [Fact]
    public async Task A_worker_goes_on_beating_while_a_callback_of_the_app_blocks_its_stop()
    {
        using var blocks = new ManualResetEventSlim();
        await using var worker = new WorkerApp();
        worker.App.App.Lifetime.ApplicationStopping.Register(blocks.Wait);
        await worker.ServeAsync();
        worker.Lifeline.Send("{\"type\":\"drain\",\"deadlineMs\":60000}");
        await worker.UntilStateAsync(WorkerState.Draining);
        var beats = worker.Heartbeat.Beat.Beats;
        await Wait.UntilAsync(() => worker.Heartbeat.Beat.Beats > beats + 3, "more beats");
        blocks.Set();
        await worker.StoppedAsync();
    }

    [Fact]
    public async Task A_stop_by_signal_shows_as_draining_although_callbacks_of_the_app_block()
    {
        using var blocks = new ManualResetEventSlim();
        await using var worker = new WorkerApp();
        worker.App.App.Lifetime.ApplicationStopping.Register(blocks.Wait);
        await worker.ServeAsync();

        // What .NET's ConsoleLifetime does on SIGTERM.
        var stopping = Task.Factory.StartNew(worker.App.App.Lifetime.StopApplication, TaskCreationOptions.LongRunning);
        await worker.UntilStateAsync(WorkerState.Draining);
        blocks.Set();
        await stopping;
        await worker.StoppedAsync();
    }

    [Fact]
    public async Task A_loop_that_never_answers_stops_the_beat_and_not_the_board()
    {
        await using var worker = new WorkerApp();
        await worker.ServeAsync();
        await worker.UntilStateAsync(WorkerState.Serving);

        var stuck = new FakeLoop();
        worker.App.State.Add(stuck);
        await Wait.UntilAsync(() => stuck.Questions == 1, "the question to the stuck loop");
        var beats = worker.Heartbeat.Beat.Beats;
        var asked = worker.Board.WrittenAt;
        await Wait.UntilAsync(() => worker.Board.WrittenAt - asked > 20 * TimeSpan.FromMilliseconds(20).ToNanoseconds(), "twenty intervals");
        Assert.True(worker.Heartbeat.Beat.Beats <= beats + 1, "the beat under way may have ended, no more");
        Assert.True(worker.Board.ThreadPoolPassAt > worker.Board.LoopPassAt);

        worker.App.State.Remove(stuck);
        await Wait.UntilAsync(() => worker.Heartbeat.Beat.Beats > beats + 3, "beats again");
    }

    [Fact]
    public async Task Concurrent_requests_show_on_the_board()
    {
        const int Requests = 20;
        var handler = new GatedHandler();
        await using var worker = new WorkerApp(map: handler.Map, interval: TimeSpan.FromSeconds(1));
        await worker.ServeAsync();
        await worker.UntilStateAsync(WorkerState.Serving);
        var before = TimeProvider.System.Nanoseconds();
        using var client = worker.App.CreateClient();
        var answers = Enumerable.Range(0, Requests).Select(_ => client.GetStringAsync("/")).ToArray();
        await Wait.UntilAsync(() => worker.Board is { RequestsInFlight: Requests, Requests: Requests, Connections: Requests }, "all requests in flight");
        Assert.InRange(worker.Board.OldestRequestAt, before, TimeProvider.System.Nanoseconds());

        handler.Finish();
        await Task.WhenAll(answers);
        await Wait.UntilAsync(() => worker.Board is { RequestsInFlight: 0, Requests: Requests, OldestRequestAt: 0 }, "no request in flight");
    }

    [Fact]
    public async Task A_worker_without_lifeline_and_board_beats_all_the_same()
    {
        using var folder = new TemporaryFolder();
        var contract = new WorkerContract { Index = 1, Generation = 1, Listeners = [], HeartbeatFile = folder.File("worker-1.beat"), HeartbeatInterval = TimeSpan.FromMilliseconds(20) };
        using var worker = new ProcessWorker(contract, Leadership.Of(contract));
        await using var app = await TestApp.StartAsync(build: builder => builder.Services.AddGreenWorker(worker));
        await Wait.UntilAsync(() => File.Exists(contract.HeartbeatFile) && Beats(contract.HeartbeatFile) >= 3, "beats");
    }

    [Fact]
    public async Task A_worker_whose_descriptor_is_no_lifeline_serves_without_one()
    {
        using var file = File.OpenHandle("/proc/self/stat");
        var contract = new WorkerContract { Index = 1, Generation = 1, Listeners = [], ControlDescriptor = (int)file.DangerousGetHandle() };
        using var worker = new ProcessWorker(contract, Leadership.Of(contract));
        await using var app = await TestApp.StartAsync(build: builder => builder.Services.AddGreenWorker(worker));
        using var client = app.CreateClient();
        Assert.Equal("hello", await client.GetStringAsync("/"));
    }

    private static long Beats(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return HeartbeatFileReader.Read(file).Beat.Beats;
    }

    /// <summary>Requests that end when the test says so.</summary>
    private sealed class GatedHandler
    {
        private readonly TaskCompletionSource _mayFinish = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Finish() => _mayFinish.TrySetResult();

        public void Map(WebApplication app) => app.MapGet("/", async (CancellationToken aborted) =>
        {
            await _mayFinish.Task.WaitAsync(aborted);
            return "done";
        });
    }
}
