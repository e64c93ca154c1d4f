using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Tests.Control;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class LogsTests : ToolFixture
{
    private static readonly LogLine[] Lines =
    [
        new() { Sequence = 7, At = At(0), Worker = 2, Pid = 4122, Stream = "out", Level = null, Id = null, Event = null, Text = "[a] line" },
        new() { Sequence = 8, At = At(1), Worker = 2, Pid = 4122, Stream = null, Level = "error", Id = 201, Event = "WorkerDied", Text = "worker 2 died" },
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

        Assert.Equal((0, "green: the supervisor has exited.\n"), (code, error));
        Assert.Equal(2, output.Trim().Split('\n').Length);
        Assert.Equal(
            ["""{"command":"logs","last":50}""", """{"command":"logs","after":7}""", """{"command":"logs","after":8}"""], supervisor.Requests);
    }

    [Fact]
    public void As_JSON_it_is_one_object()
    {
        using var supervisor = Supervisor(Answer(8, Lines));

        var json = JsonDocument.Parse(Green("logs", "--json").Out).RootElement;

        Assert.Equal(1, json.GetProperty("schemaVersion").GetInt32());
        Assert.Equal(8, json.GetProperty("next").GetInt64());
        Assert.Equal("""{"sequence":8,"at":"2026-01-01T12:00:01.000Z","worker":2,"pid":4122,"stream":null,"level":"error","id":201,"event":"WorkerDied","text":"worker 2 died"}""", json.GetProperty("lines")[1].GetRawText());
    }

    private static DateTimeOffset At(int second) => new(2026, 1, 1, 12, 0, second, TimeSpan.Zero);

    private static string Answer(long next, params LogLine[] lines) =>
        JsonSerializer.Serialize(new ControlResponse { Lines = lines, Next = next }, ControlJson.Default.ControlResponse) + "\n";

    private FakeSupervisor Supervisor(params string[] answers) => new(Path.Combine(Folder, "hello.sock"), answers);
}
