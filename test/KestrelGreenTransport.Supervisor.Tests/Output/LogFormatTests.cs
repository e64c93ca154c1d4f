using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Output;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public sealed class LogFormatTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 1, 12, 0, 0, 250, TimeSpan.FromHours(1));
    private static readonly LogFormat Json = LogFormat.Of(SupervisorLogFormat.Json);

    [Theory]
    [InlineData("hello \"you\"", """{"at":"2026-01-01T11:00:00.250Z","source":"worker","worker":2,"stream":"stderr","message":"hello \"you\""}""")]
    [InlineData("""{"Level":"x"}""", """{"at":"2026-01-01T11:00:00.250Z","source":"worker","worker":2,"stream":"stderr","entry":{"Level":"x"}}""")]
    [InlineData("{not json}", """{"at":"2026-01-01T11:00:00.250Z","source":"worker","worker":2,"stream":"stderr","message":"{not json}"}""")]
    [InlineData("""{} {"a":1}""", """{"at":"2026-01-01T11:00:00.250Z","source":"worker","worker":2,"stream":"stderr","message":"{} {\"a\":1}"}""")]
    public void A_workers_line_becomes_one_object(string line, string expected) =>
        Assert.Equal(expected + "\n", Encoding.UTF8.GetString(Json.OfWorker(At, 2, OutputStream.Error, Encoding.UTF8.GetBytes(line)).Span));

    [Fact]
    public void A_line_of_the_access_log_is_an_object_inside_of_one() =>
        Assert.Equal(
            """{"at":"2026-01-01T11:00:00.250Z","source":"worker","worker":2,"stream":"access","entry":{"status":200}}""" + "\n",
            Encoding.UTF8.GetString(Json.OfWorker(At, 2, OutputStream.Access, """{"status":200}"""u8).Span));

    [Fact]
    public void An_event_of_several_lines_and_an_exception_becomes_one_line()
    {
        var line = Assert.Single(Json.OfEvent(At, LogLevel.Error, new EventId(201, "WorkerDied"), 2, 4121, "one\ntwo", new InvalidOperationException("why")));

        Assert.DoesNotContain('\n', line);
        var json = JsonDocument.Parse(line).RootElement;
        Assert.Equal("fail", json.GetProperty("level").GetString());
        Assert.Equal(201, json.GetProperty("id").GetInt32());
        Assert.Equal("WorkerDied", json.GetProperty("event").GetString());
        Assert.Equal(2, json.GetProperty("worker").GetInt32());
        Assert.Equal(4121, json.GetProperty("pid").GetInt32());
        Assert.Equal("one\ntwo", json.GetProperty("message").GetString());
        Assert.Contains("why", json.GetProperty("exception").GetString());
    }

    [Fact]
    public void As_text_each_line_has_its_source_before_it()
    {
        var text = LogFormat.Of(SupervisorLogFormat.Text);

        Assert.Equal("[worker 2] hello\n", Encoding.UTF8.GetString(text.OfWorker(At, 2, OutputStream.Out, "hello"u8).Span));
        Assert.Equal("192.0.2.7 - -\n", Encoding.UTF8.GetString(text.OfWorker(At, 2, OutputStream.Access, "192.0.2.7 - -"u8).Span));
        Assert.Equal(
            ["[green] 2026-01-01 12:00:00.250 warn: one", "[green] 2026-01-01 12:00:00.250 warn: two"],
            text.OfEvent(At, LogLevel.Warning, new EventId(205), 2, null, "one\ntwo", null));
        Assert.Equal("[green] note", text.OfNote(At, "note"));
    }
}
