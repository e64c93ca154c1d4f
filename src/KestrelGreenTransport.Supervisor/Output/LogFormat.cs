using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>How lines look on standard output and standard error.</summary>
internal abstract class LogFormat
{
    public static LogFormat Of(SupervisorLogFormat format) => format == SupervisorLogFormat.Json ? new JsonLines() : new TextLines();

    /// <summary>A line that a worker wrote, with its line ending.</summary>
    public abstract ReadOnlyMemory<byte> OfWorker(DateTimeOffset at, int worker, OutputStream stream, ReadOnlySpan<byte> line);

    /// <summary>An event of the supervisor: one or more lines, without line endings.</summary>
    public abstract IEnumerable<string> OfEvent(DateTimeOffset at, LogLevel level, EventId id, int? worker, int? pid, string message, Exception? exception);

    /// <summary>What the supervisor writes besides its events: the banner, the last lines of a worker.</summary>
    public abstract string OfNote(DateTimeOffset at, string text);

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };

    private sealed class TextLines : LogFormat
    {
        public override ReadOnlyMemory<byte> OfWorker(DateTimeOffset at, int worker, OutputStream stream, ReadOnlySpan<byte> line)
        {
            // Readers of access logs expect the lines unchanged.
            var prefix = stream == OutputStream.Access ? "" : string.Create(CultureInfo.InvariantCulture, $"[worker {worker}] ");
            var whole = new byte[prefix.Length + line.Length + 1];
            Encoding.ASCII.GetBytes(prefix, whole);
            line.CopyTo(whole.AsSpan(prefix.Length));
            whole[^1] = (byte)'\n';
            return whole;
        }

        public override IEnumerable<string> OfEvent(
            DateTimeOffset at, LogLevel level, EventId id, int? worker, int? pid, string message, Exception? exception)
        {
            var stamp = at.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
            foreach (var line in message.Split('\n'))
            {
                yield return $"[green] {stamp} {NameOf(level)}: {line}";
            }

            if (exception is not null)
            {
                yield return exception.ToString();
            }
        }

        public override string OfNote(DateTimeOffset at, string text) => $"[green] {text}";
    }

    /// <summary>One JSON object per line, on both streams.</summary>
    private sealed class JsonLines : LogFormat
    {
        private static readonly JsonWriterOptions Options = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

        public override ReadOnlyMemory<byte> OfWorker(DateTimeOffset at, int worker, OutputStream stream, ReadOnlySpan<byte> line)
        {
            var text = new ArrayBufferWriter<byte>(line.Length + 128);
            using (var json = Begin(text, at, "worker"))
            {
                json.WriteNumber("worker", worker);
                json.WriteString("stream", stream switch { OutputStream.Error => "stderr", OutputStream.Access => "access", _ => "stdout" });
                if (IsObject(line))
                {
                    // If an app logs JSON itself, its own fields stay searchable.
                    json.WritePropertyName("entry");
                    json.WriteRawValue(line, skipInputValidation: true);
                }
                else
                {
                    json.WriteString("message", Encoding.UTF8.GetString(line));
                }

                json.WriteEndObject();
            }

            text.Write("\n"u8);
            return text.WrittenMemory;
        }

        public override IEnumerable<string> OfEvent(
            DateTimeOffset at, LogLevel level, EventId id, int? worker, int? pid, string message, Exception? exception)
        {
            var text = new ArrayBufferWriter<byte>(256);
            using (var json = Begin(text, at, "green"))
            {
                json.WriteString("level", NameOf(level));
                json.WriteNumber("id", id.Id);
                json.WriteString("event", id.Name);
                if (worker is { } index)
                {
                    json.WriteNumber("worker", index);
                }

                if (pid is { } process)
                {
                    json.WriteNumber("pid", process);
                }

                json.WriteString("message", message);
                if (exception is not null)
                {
                    json.WriteString("exception", exception.ToString());
                }

                json.WriteEndObject();
            }

            yield return Encoding.UTF8.GetString(text.WrittenSpan);
        }

        public override string OfNote(DateTimeOffset at, string text)
        {
            var buffer = new ArrayBufferWriter<byte>(256);
            using (var json = Begin(buffer, at, "green"))
            {
                json.WriteString("message", text.Trim());
                json.WriteEndObject();
            }

            return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }

        private static Utf8JsonWriter Begin(IBufferWriter<byte> buffer, DateTimeOffset at, string source)
        {
            var json = new Utf8JsonWriter(buffer, Options);
            json.WriteStartObject();
            json.WriteString("at", at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("source", source);
            return json;
        }

        private static bool IsObject(ReadOnlySpan<byte> line)
        {
            if (line is not [(byte)'{', .., (byte)'}'])
            {
                return false;
            }

            try
            {
                var reader = new Utf8JsonReader(line);
                while (reader.Read())
                {
                    // It must be valid to its end, or it would break our own line.
                }

                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }
    }
}
