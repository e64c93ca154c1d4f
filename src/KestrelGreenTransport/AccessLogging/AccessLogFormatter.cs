using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace KestrelGreenTransport.AccessLogging;

/// <summary>
/// Writes lines of the access log.
///
/// Whatever a client sends, a line stays one line, and its quoted fields end where they should: in the common formats a quote,
/// a backslash and every byte that is not printable ASCII become <c>\xHH</c> (as in nginx); in JSON they are escaped as usual.
/// </summary>
internal static class AccessLogFormatter
{
    // Kestrel accepts request lines up to 8 KB, and may be configured to accept more.
    private const int LongestTarget = 8 * 1024;
    private const int LongestHeader = 1024;

    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _line;

    [ThreadStatic]
    private static Utf8JsonWriter? _json;

    /// <summary>A line with its newline; valid until this thread formats the next one.</summary>
    public static ReadOnlySpan<byte> Format(GreenAccessLogFormat format, in AccessLogEntry entry)
    {
        var line = _line ??= new ArrayBufferWriter<byte>(512);
        line.ResetWrittenCount();
        if (format == GreenAccessLogFormat.Json)
        {
            WriteJson(line, entry);
        }
        else
        {
            WriteCommon(line, entry);
            if (format == GreenAccessLogFormat.Combined)
            {
                line.Write(" "u8);
                WriteQuoted(line, entry.Referer);
                line.Write(" "u8);
                WriteQuoted(line, entry.UserAgent);
            }
        }

        line.Write("\n"u8);
        return line.WrittenSpan;
    }

    private static void WriteCommon(ArrayBufferWriter<byte> line, in AccessLogEntry entry)
    {
        WriteEscaped(line, entry.Remote ?? "-", isQuoted: false);
        line.Write(" - "u8);
        WriteEscaped(line, entry.User is { Length: > 0 } user ? user : "-", isQuoted: false);
        line.Write(" ["u8);
        WriteTime(line, entry.At);
        line.Write("] \""u8);
        WriteEscaped(line, entry.Method, isQuoted: true);
        line.Write(" "u8);
        WriteEscaped(line, Cut(entry.Target, LongestTarget), isQuoted: true);
        line.Write(" "u8);
        WriteEscaped(line, entry.Protocol, isQuoted: true);
        line.Write("\" "u8);
        WriteNumber(line, entry.Status);
        line.Write(" "u8);
        if (entry.Bytes == 0)
        {
            line.Write("-"u8);
        }
        else
        {
            WriteNumber(line, entry.Bytes);
        }
    }

    private static void WriteJson(ArrayBufferWriter<byte> line, in AccessLogEntry entry)
    {
        var query = entry.Target.IndexOf('?', StringComparison.Ordinal);
        var json = _json ??= new Utf8JsonWriter(line, JsonOptions);
        json.Reset(line);
        json.WriteStartObject();
        json.WriteString("at"u8, entry.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        if (entry.Worker is { } worker)
        {
            json.WriteNumber("worker"u8, worker);
        }

        WriteIfAny(json, "remote"u8, entry.Remote);
        WriteIfAny(json, "user"u8, entry.User);
        json.WriteString("method"u8, entry.Method);
        json.WriteString("path"u8, Cut(query < 0 ? entry.Target : entry.Target[..query], LongestTarget));
        if (query >= 0)
        {
            json.WriteString("query"u8, Cut(entry.Target[query..], LongestTarget));
        }

        json.WriteString("protocol"u8, entry.Protocol);
        json.WriteNumber("status"u8, entry.Status);
        json.WriteNumber("bytes"u8, entry.Bytes);
        json.WriteNumber("durationMs"u8, Math.Round((decimal)entry.Duration.TotalMilliseconds, 3));
        WriteIfAny(json, "referer"u8, Cut(entry.Referer, LongestHeader));
        WriteIfAny(json, "userAgent"u8, Cut(entry.UserAgent, LongestHeader));
        json.WriteString("requestId"u8, entry.RequestId);
        WriteIfAny(json, "traceId"u8, entry.TraceId);
        json.WriteEndObject();
        json.Flush();
    }

    private static void WriteIfAny(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteQuoted(ArrayBufferWriter<byte> line, string? header)
    {
        line.Write("\""u8);
        WriteEscaped(line, header is { Length: > 0 } ? Cut(header, LongestHeader) : "-", isQuoted: true);
        line.Write("\""u8);
    }

    private static void WriteEscaped(ArrayBufferWriter<byte> line, string text, bool isQuoted)
    {
        Span<byte> utf8 = stackalloc byte[256];
        for (var from = 0; from < text.Length;)
        {
            // 64 characters are at most 192 bytes; a surrogate pair stays together.
            var count = Math.Min(64, text.Length - from);
            if (from + count < text.Length && char.IsHighSurrogate(text[from + count - 1]))
            {
                count--;
            }

            var length = Encoding.UTF8.GetBytes(text.AsSpan(from, count), utf8);
            from += count;
            WriteEscaped(line, utf8[..length], isQuoted);
        }
    }

    private static void WriteEscaped(ArrayBufferWriter<byte> line, ReadOnlySpan<byte> utf8, bool isQuoted)
    {
        var room = line.GetSpan(utf8.Length * 4);
        var written = 0;
        foreach (var one in utf8)
        {
            // A space would end a field that is not quoted.
            if (one is < (byte)' ' or > (byte)'~' or (byte)'"' or (byte)'\\' || (one == (byte)' ' && !isQuoted))
            {
                room[written++] = (byte)'\\';
                room[written++] = (byte)'x';
                room[written++] = HexDigit(one >> 4);
                room[written++] = HexDigit(one & 15);
            }
            else
            {
                room[written++] = one;
            }
        }

        line.Advance(written);
    }

    private static byte HexDigit(int value) => (byte)(value < 10 ? '0' + value : 'A' + value - 10);

    // 10/Oct/2000:13:55:36 -0700
    private static void WriteTime(ArrayBufferWriter<byte> line, DateTimeOffset at)
    {
        var room = line.GetSpan(32);
        at.TryFormat(room, out var written, "dd/MMM/yyyy:HH:mm:ss ", CultureInfo.InvariantCulture);
        var offset = at.Offset;
        room[written++] = (byte)(offset < TimeSpan.Zero ? '-' : '+');
        offset.Duration().TryFormat(room[written..], out var digits, "hhmm", CultureInfo.InvariantCulture);
        line.Advance(written + digits);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> line, long number)
    {
        number.TryFormat(line.GetSpan(20), out var written, provider: CultureInfo.InvariantCulture);
        line.Advance(written);
    }

    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    private static string? Cut(string? text, int longest) => text is null || text.Length <= longest ? text : text[..longest];
}
