using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Tests.Control;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class StatusTests : ToolFixture
{
    private static readonly StatusDocument Busy = SampleStatus.Document with
    {
        State = SupervisorPhase.Degraded,
        WorkersTarget = 4,
        Listeners = [new ListenerStatus("tcp://127.0.0.1:8080", 2048, 17), new ListenerStatus("unix:/run/[shop].sock", 128, 0)],
        Workers =
        [
            SampleStatus.Worker(1) with { LastExit = null, UptimeSeconds = 356_400, RequestsTotal = 123_456_789, RssBytes = 1_600_000_000, CpuSeconds = 86_000 },
            SampleStatus.Worker(2, WorkerPhase.Draining) with { LastExit = null, UptimeSeconds = 3_725, Connections = 1000, ConnectionsLimit = 1_000_000, RequestsInFlight = 999 },
            SampleStatus.Worker(3, WorkerPhase.Backoff) with
            {
                Restarts = 7, Connections = 0, RequestsInFlight = 0, RssBytes = 0, CpuSeconds = 0,
                LastExit = new LastExitStatus("crash", 134, null, new DateTimeOffset(2026, 1, 1, 11, 59, 58, TimeSpan.Zero)),
            },
            SampleStatus.Worker(4, WorkerPhase.Booting) with { Restarts = 1, HeartbeatAgeSeconds = null, UptimeSeconds = 0.25 },
            SampleStatus.Worker(5, WorkerPhase.Warming) with { LastExit = null, RequestsTotal = 0, WarmUp = 0.4, CompiledMethodsPerSecond = 1234.5, Hot = null },
            SampleStatus.Worker(6) with { LastExit = null, Hot = false, CpuMicrosecondsPerRequest = 3456, CompiledMethodsPerSecond = 321 },
        ],
    };

    [Fact]
    public void As_JSON_it_is_one_object_with_the_documented_properties_in_their_order()
    {
        using var supervisor = Supervisor(SampleStatus.Document);

        Assert.Equal(new Outcome(0, SampleStatus.Json + "\n", ""), Green("status", "--json"));
        Assert.Equal(["""{"command":"status"}"""], supervisor.Requests);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(80)]
    public void Piped_it_is_a_plain_table_of_80_columns(int width)
    {
        using var supervisor = Supervisor(Busy);

        var (code, output, error) = Green(Host() with { Width = width }, "status");

        Assert.Equal((0, ""), (code, error));
        Assert.All(output.Split('\n'), static line => Assert.InRange(line.Length, 0, 80));
        GoldenFile.Expect("status", output);
    }

    [Fact]
    public void NO_COLOR_is_honoured_on_a_terminal()
    {
        using var supervisor = Supervisor(Busy);
        Environment["NO_COLOR"] = "1";

        Assert.DoesNotContain('\e', Green(Host() with { IsTerminal = true }, "status").Out);
    }

    [Fact]
    public void On_a_terminal_states_have_their_colours()
    {
        using var supervisor = Supervisor(Busy);
        Environment["TERM"] = "xterm-256color";

        var output = Green(Host() with { IsTerminal = true }, "status").Out;

        Assert.Contains("\e[", output);
        Assert.Contains("degraded", output);
    }

    [Fact]
    public void Without_a_supervisor_the_next_step_is_said() => Assert.Equal(
        new Outcome(6, "", "green: this user has no running supervisor in FOLDER. Start one with green run APP, or name another socket with --control PATH.\n"),
        Green("status"));

    [Fact]
    public void Of_several_supervisors_one_must_be_named()
    {
        using var shop = Supervisor(SampleStatus.Document, "shop");
        using var blog = Supervisor(SampleStatus.Document with { Name = "blog" }, "blog");

        Assert.Equal(new Outcome(2, "", "green: several supervisors are running: blog, shop. Name one, as in --name blog.\n"), Green("status"));
        Assert.Contains("\"name\":\"blog\"", Green("status", "--json", "--name", "blog").Out);
        Assert.Contains("\"name\":\"hello\"", Green("status", "--json", "--control", "shop.sock").Out);
        Environment["GREEN_NAME"] = "blog";
        Assert.Contains("\"name\":\"blog\"", Green("status", "--json").Out);
    }

    [Theory]
    [InlineData(null, "-")]
    [InlineData(0.0, "0.0s")]
    [InlineData(0.44, "0.4s")]
    [InlineData(9.99, "9.9s")]
    [InlineData(59.9, "59s")]
    [InlineData(60.0, "1m 0s")]
    [InlineData(3_599.0, "59m 59s")]
    [InlineData(86_399.0, "23h 59m")]
    [InlineData(8_640_000.0, "100d 0h")]
    public void Times_show_two_units_at_most(double? seconds, string expected) => Assert.Equal(expected, ShortFigures.Time(seconds));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1_000, "1 KB")]
    [InlineData(91_000_000, "87 MB")]
    [InlineData(1_600_000_000, "1.5 GB")]
    public void Sizes_show_three_digits_at_most(long bytes, string expected) => Assert.Equal(expected, ShortFigures.Size(bytes));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(9_999, "9999")]
    [InlineData(10_000, "10k")]
    [InlineData(999_999, "999k")]
    [InlineData(3_400_000, "3.4M")]
    [InlineData(123_456_789, "123M")]
    [InlineData(7_200_000_000, "7.2G")]
    public void Counts_stay_short(long number, string expected) => Assert.Equal(expected, ShortFigures.Count(number));

    private FakeSupervisor Supervisor(StatusDocument document, string name = "hello") =>
        new(Path.Combine(Folder, name + ".sock"), SampleStatus.Answer(document));
}
