using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KestrelGreenTransport.AccessLogging;

namespace KestrelGreenTransport.Tests.AccessLogging;

public sealed partial class AccessLogFormatterTests
{
    private static readonly AccessLogEntry Entry = new()
    {
        At = new DateTimeOffset(2026, 3, 9, 7, 5, 3, 250, TimeSpan.FromHours(-7)),
        Duration = TimeSpan.FromTicks(1_234_567),
        Remote = "192.0.2.7",
        Method = "GET",
        Target = "/shop/42?colour=red",
        Protocol = "HTTP/1.1",
        Status = 200,
        Bytes = 5120,
        Referer = "https://example.org/",
        UserAgent = "curl/8.5.0",
        RequestId = "0HN7:00000001",
    };

    [Theory]
    [InlineData(GreenAccessLogFormat.Common, """192.0.2.7 - - [09/Mar/2026:07:05:03 -0700] "GET /shop/42?colour=red HTTP/1.1" 200 5120""")]
    [InlineData(GreenAccessLogFormat.Combined, """192.0.2.7 - - [09/Mar/2026:07:05:03 -0700] "GET /shop/42?colour=red HTTP/1.1" 200 5120 "https://example.org/" "curl/8.5.0" """)]
    [InlineData(GreenAccessLogFormat.Json, """{"at":"2026-03-09T14:05:03.250Z","remote":"192.0.2.7","method":"GET","path":"/shop/42","query":"?colour=red","protocol":"HTTP/1.1","status":200,"bytes":5120,"durationMs":123.457,"referer":"https://example.org/","userAgent":"curl/8.5.0","requestId":"0HN7:00000001"}""")]
    public void A_request_is_a_line_as_others_write_it(GreenAccessLogFormat format, string line) => Assert.Equal(line.TrimEnd(), Line(format, Entry));

    [Fact]
    public void What_is_missing_is_a_dash_and_what_there_is_besides_stands_in_JSON()
    {
        var bare = Entry with { Remote = null, Referer = null, UserAgent = "", Bytes = 0, User = "Ada Lovelace", At = new DateTimeOffset(2026, 12, 31, 23, 59, 59, new TimeSpan(5, 45, 0)) };
        Assert.Equal("""- - Ada\x20Lovelace [31/Dec/2026:23:59:59 +0545] "GET /shop/42?colour=red HTTP/1.1" 200 - "-" "-" """.TrimEnd(), Line(GreenAccessLogFormat.Combined, bare));

        using var json = JsonDocument.Parse(Line(GreenAccessLogFormat.Json, bare with { Worker = 3, TraceId = "4bf92f3577b34da6a3ce929d0e0e4736" }));
        Assert.Equal((3, "Ada Lovelace", 0), (json.RootElement.GetProperty("worker").GetInt32(), json.RootElement.GetProperty("user").GetString(), json.RootElement.GetProperty("bytes").GetInt64()));
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", json.RootElement.GetProperty("traceId").GetString());
        Assert.False(json.RootElement.TryGetProperty("remote", out _));
    }

    [Fact]
    public void A_client_cannot_write_lines_fields_or_control_characters_of_its_own()
    {
        var evil = Entry with { Target = "/\" 200 1\n10.0.0.1 - -", UserAgent = "a\"b\\c\r\n\u001b[2Jé\u2028" };
        Assert.Equal(
            """192.0.2.7 - - [09/Mar/2026:07:05:03 -0700] "GET /\x22 200 1\x0A10.0.0.1 - - HTTP/1.1" 200 5120 "https://example.org/" "a\x22b\x5Cc\x0D\x0A\x1B[2J\xC3\xA9\xE2\x80\xA8" """.TrimEnd(),
            Line(GreenAccessLogFormat.Combined, evil));

        var json = Line(GreenAccessLogFormat.Json, evil);
        Assert.DoesNotContain(json, static c => c is < ' ' or '\u2028');
        using var parsed = JsonDocument.Parse(json);
        Assert.Equal(evil.UserAgent, parsed.RootElement.GetProperty("userAgent").GetString());
        Assert.Equal(evil.Target, parsed.RootElement.GetProperty("path").GetString());
    }

    [Fact]
    public void Whatever_text_comes_a_line_is_one_line_that_its_readers_understand()
    {
        var random = new Random(20261125);
        for (var i = 0; i < 2000; i++)
        {
            var entry = Entry with { Target = Text(), Referer = Text(), UserAgent = Text(), User = Text(), Method = Text(), TraceId = Text(), RequestId = Text(), Protocol = Text() };
            foreach (var format in Enum.GetValues<GreenAccessLogFormat>())
            {
                var bytes = AccessLogFormatter.Format(format, entry);
                Assert.Equal(bytes.Length - 1, bytes.IndexOf((byte)'\n'));
                var line = Encoding.UTF8.GetString(bytes[..^1]);
                if (format == GreenAccessLogFormat.Json)
                {
                    JsonDocument.Parse(line).Dispose();
                }
                else
                {
                    Assert.Matches(format == GreenAccessLogFormat.Common ? Common() : Combined(), line);
                }
            }
        }

        string Text() => string.Concat(Enumerable.Range(0, random.Next(200)).Select(_ => (char)(random.Next(4) == 0 ? random.Next(0x10000) : random.Next(0x80))));
    }

    private static string Line(GreenAccessLogFormat format, AccessLogEntry entry) => Encoding.UTF8.GetString(AccessLogFormatter.Format(format, entry)).TrimEnd('\n');

    // As parsers of such logs expect it.
    [GeneratedRegex("""^[!-~]+ - [!-~]+ \[[^\]]+\] "[ -!#-~]*" [0-9]{3} ([0-9]+|-)$""")]
    private static partial Regex Common();

    [GeneratedRegex("""^[!-~]+ - [!-~]+ \[[^\]]+\] "[ -!#-~]*" [0-9]{3} ([0-9]+|-) "[ -!#-~]*" "[ -!#-~]*"$""")]
    private static partial Regex Combined();
}
