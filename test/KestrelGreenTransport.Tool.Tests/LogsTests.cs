using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Tests.Control;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class LogsTests : ToolFixture
{
    private static readonly LogLine[] Lines =
    [
        new() { Sequence = 7, At = At(0), Worker = 2, Stream = "out", Level = null, Id = null, Event = null, Text = "[a] line" },
        new() { Sequence = 8, At = At(1), Worker = 2, Stream = null, Level = "error", Id = 201, Event = "WorkerDied", Text = "worker 2 died" },
    ];

    [Fact]
    public void Lines_look_as_the_supervisor_printed_them()
    {
        using var supervisor = Supervisor(Answer(8, Lines));

        Assert.Equal(new Outcome(0, $"[worker 2] [a] line\n[green] {At(1).ToLocalTime():yyyy-MM-dd HH:mm:ss.fff} fail: worker 2 died\n", ""), Green("logs", "2", "-n", "5"));
        Assert.Equal(["""{"command":"logs","worker":2,"last":5}"""], supervisor.Requests);
    }

    [Fact]
    public void Followed_it_goes_on_from_the_last_line_until_the_supervisor_has_left()
    {
        var supervisor = Supervisor(Answer(7, Lines[0]), Answer(8, Lines[1]), Answer(8));
        var looks = 0;
        var host = Host() with
        {
            Wait = _ =>
            {
                if (++looks == 3)
                {
                    supervisor.Dispose();
                }
            },
        };

        var (code, output, error) = Green(host, "logs", "--follow");

        Assert.Equal((0, "green: the supervisor has left.\n"), (code, error));
        Assert.Equal(2, output.Trim().Split('\n').Length);
        Assert.Equal(
            ["""{"command":"logs","last":50}""", """{"command":"logs","after":7}""", """{"command":"logs","after":8}"""], supervisor.Requests);
    }

    [Fact]
    public void One_workers_story_tells_how_it_is_what_happened_and_what_it_wrote()
    {
        using var supervisor = Supervisor(
            SampleStatus.Answer(SampleStatus.Document), Answer(new InFlightStatus([new("GET", "/report", 75.4), new("POST", "/orders", 0.25)])),
            Answer(8, Lines[1]), Answer(8, Lines));

        var (code, output, error) = Green("status", "1");

        Assert.Equal((0, ""), (code, error));
        Assert.Equal(
            $"""
            worker 1 of hello is serving: pid 4121, up 12s, last beat 0.4s ago, generation 3
            12 of 1000 connections, 1 in flight, 4012 served, 87 MB, 1.9s of processor time
            worker 1: 0 restarts, the last for stale (SIGKILL) at 2026-01-01 11:00:00Z
              it hung: threadPoolStarvation

            Oldest requests in flight
                1m 15s GET /report
                  0.2s POST /orders

            What happened
              [green] {At(1).ToLocalTime():yyyy-MM-dd HH:mm:ss.fff} fail: worker 2 died

            Its last lines
              {At(0).ToLocalTime():HH:mm:ss} [a] line

            """,
            output);
    }

    [Fact]
    public void A_worker_that_does_not_say_what_it_is_busy_with_is_told_of_too()
    {
        using var supervisor = Supervisor(SampleStatus.Answer(SampleStatus.Document), Answer(new InFlightStatus(null)), Answer(8), Answer(8));

        Assert.Contains("Oldest requests in flight\n  unknown: it did not answer within a second.", Green("status", "1").Out);
    }

    [Fact]
    public void A_worker_that_is_not_there_is_exit_code_2()
    {
        using var supervisor = Supervisor(SampleStatus.Answer(SampleStatus.Document));

        Assert.Equal(new Outcome(2, "", "green: hello has no worker 9; there is 1.\n"), Green("status", "9"));
    }

    [Fact]
    public void As_JSON_it_is_one_object()
    {
        using var supervisor = Supervisor(Answer(8, Lines));

        var json = JsonDocument.Parse(Green("logs", "--json").Out).RootElement;

        Assert.Equal(1, json.GetProperty("schemaVersion").GetInt32());
        Assert.Equal(8, json.GetProperty("next").GetInt64());
        Assert.Equal("""{"sequence":8,"at":"2026-01-01T12:00:01.000Z","worker":2,"stream":null,"level":"error","id":201,"event":"WorkerDied","text":"worker 2 died"}""", json.GetProperty("lines")[1].GetRawText());
    }

    private static DateTimeOffset At(int second) => new(2026, 1, 1, 12, 0, second, TimeSpan.Zero);

    private static string Answer(long next, params LogLine[] lines) =>
        JsonSerializer.Serialize(new ControlResponse { Lines = lines, Next = next }, ControlJson.Default.ControlResponse) + "\n";

    private static string Answer(InFlightStatus requests) =>
        JsonSerializer.Serialize(new ControlResponse { InFlight = requests }, ControlJson.Default.ControlResponse) + "\n";

    private FakeSupervisor Supervisor(params string[] answers) => new(Path.Combine(Folder, "hello.sock"), answers);
}
