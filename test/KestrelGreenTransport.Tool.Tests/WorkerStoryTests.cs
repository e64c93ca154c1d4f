using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Tests.Control;

namespace KestrelGreenTransport.Tool.Tests;

/// <summary><c>green status N</c>: what happened to a worker, by its index, and by the index of whom it made room for.</summary>
public sealed class WorkerStoryTests : ToolFixture
{
    private static readonly EndedStatus Hung = new(3, new LastExitStatus("stale", null, "SIGKILL", At(0), "frozenProcess", 2, 4122), Heir: 3);
    private static readonly LogLine Killed = Line(1, 4122, "no heartbeat from worker 2 (pid 4122)") with { Stream = null, Level = "error", Id = 203, Event = "WorkerStale" };

    private static readonly WorkerStory OfTheReplacement = new([Hung], [Killed], [Line(9, 4123, "[new] line", worker: 3)], [Line(0, 4122, "[old] line")]);

    [Fact]
    public void One_that_took_over_shows_how_it_is_and_how_the_one_before_it_ended()
    {
        using var supervisor = Supervisor(
            Answer(OfTheReplacement), Answer(new InFlightStatus([new("GET", "/report", 75.4), new("POST", "/orders", 0.25)])));

        var (code, output, error) = Green("status", "3");

        Assert.Equal((0, ""), (code, error));
        Assert.Equal(
            $"""
            worker 3 of hello is serving: pid 4123, up 12s, last heartbeat 0.4s ago, generation 3
            12 of 1000 connections, 1 in flight, 4012 served, 87 MB, 1.9s of CPU time
            hot, 14 us of CPU per request
            predecessor: worker 2, pid 4122, generation 3, until 2026-01-01 12:00:00Z: stale (SIGKILL), hung: frozenProcess

            Oldest requests in flight
                1m 15s GET /report
                  0.2s POST /orders

            Events
              [green] {At(1).ToLocalTime():yyyy-MM-dd HH:mm:ss.fff} fail: no heartbeat from worker 2 (pid 4122)

            Last lines
              {At(9).ToLocalTime():HH:mm:ss} [new] line

            Last lines of its predecessor (worker 2, pid 4122)
              {At(0).ToLocalTime():HH:mm:ss} [old] line

            """,
            output);
        Assert.Equal(["""{"command":"status"}""", """{"command":"story","worker":3}""", """{"command":"requests","worker":3}"""], supervisor.Requests);
    }

    [Fact]
    public void One_that_is_gone_is_told_of_by_the_index_that_it_had()
    {
        using var supervisor = Supervisor(Answer(OfTheReplacement with { Lines = [] }));

        Assert.Equal(
            new Outcome(0, $"""
            worker 2 of hello is gone since 2026-01-01 12:00:00Z: pid 4122, generation 3, reason: stale (SIGKILL), hung: frozenProcess
            replaced by worker 3: green status 3

            Events
              [green] {At(1).ToLocalTime():yyyy-MM-dd HH:mm:ss.fff} fail: no heartbeat from worker 2 (pid 4122)

            Last lines
              {At(0).ToLocalTime():HH:mm:ss} [old] line

            """, ""),
            Green("status", "2"));
        Assert.DoesNotContain(supervisor.Requests, static request => request.Contains("requests", StringComparison.Ordinal));
    }

    [Fact]
    public void As_JSON_it_is_one_object_and_one_that_is_gone_has_no_worker_in_it()
    {
        using var supervisor = Supervisor(Answer(OfTheReplacement with { Lines = [] }));

        var json = JsonDocument.Parse(Green("status", "2", "--json").Out).RootElement;

        Assert.Equal(
            ["schemaVersion", "name", "worker", "ended", "oldestRequests", "events", "lines", "lastWords"], json.EnumerateObject().Select(static property => property.Name));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("worker").ValueKind);
        Assert.Equal(
            """{"generation":3,"exit":{"reason":"stale","exitCode":null,"signal":"SIGKILL","at":"2026-01-01T12:00:00Z","verdict":"frozenProcess","index":2,"pid":4122},"heir":3}""",
            json.GetProperty("ended")[0].GetRawText());
        Assert.Equal("[old] line", json.GetProperty("lastWords")[0].GetProperty("text").GetString());
    }

    [Fact]
    public void A_worker_that_does_not_say_what_it_is_busy_with_is_told_of_too()
    {
        using var supervisor = Supervisor(Answer(OfTheReplacement), Answer(new InFlightStatus(null)));

        Assert.Contains("Oldest requests in flight\n  unknown: it did not answer within a second.", Green("status", "3").Out);
    }

    [Theory]
    [InlineData("9", "hello has no worker 9; workers: 1, 3.")]
    [InlineData("4", "hello has no worker 4; workers: 1, 3.")]
    public void A_worker_that_never_was_is_exit_code_2(string index, string message)
    {
        // Worker 4 was to take over from 2 once, and never had a process.
        using var supervisor = Supervisor(Answer(new WorkerStory(index == "4" ? [Hung with { Heir = 4 }] : [], [], [], [])));

        Assert.Equal(new Outcome(2, "", $"green: {message}\n"), Green("status", index));
    }

    private static DateTimeOffset At(int second) => new(2026, 1, 1, 12, 0, second, TimeSpan.Zero);

    private static LogLine Line(int second, int pid, string text, int worker = 2) =>
        new() { Sequence = second, At = At(second), Worker = worker, Pid = pid, Stream = "out", Level = null, Id = null, Event = null, Text = text };

    private static string Answer(WorkerStory story) => JsonSerializer.Serialize(new ControlResponse { Story = story }, ControlJson.Default.ControlResponse) + "\n";

    private static string Answer(InFlightStatus requests) => JsonSerializer.Serialize(new ControlResponse { InFlight = requests }, ControlJson.Default.ControlResponse) + "\n";

    private FakeSupervisor Supervisor(params string[] answers) => new(
        Path.Combine(Folder, "hello.sock"),
        [SampleStatus.Answer(SampleStatus.Document with { Workers = [SampleStatus.Worker(1), SampleStatus.Worker(3)] }), .. answers]);
}
