using System.Globalization;
using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Dumps;

/// <summary>
/// Turns the runtime's crash report into readable text: every thread with managed frames, as <c>module!method</c>. Equal
/// stacks appear once with their count, the most frequent first, so a starved pool's hundred threads are one paragraph.
/// </summary>
internal static class StackReport
{
    private const int FramesShown = 200;

    /// <summary>The text; null if this is not a crash report.</summary>
    public static string? Render(ReadOnlyMemory<byte> json, IEnumerable<string> heading)
    {
        try
        {
            using var report = JsonDocument.Parse(json);
            if (!report.RootElement.TryGetProperty("payload", out var payload) || !payload.TryGetProperty("threads", out var threads))
            {
                return null;
            }

            return Render([.. threads.EnumerateArray().Select(Read).OfType<ThreadStack>()], threads.GetArrayLength(), heading);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Render(List<ThreadStack> managed, int all, IEnumerable<string> heading)
    {
        var groups = managed.GroupBy(static thread => thread.Text, StringComparer.Ordinal).OrderByDescending(static group => group.Count()).ToList();
        var text = new StringBuilder();
        foreach (var line in heading)
        {
            text.Append(line).Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"{Counted.Of(all, "thread")}, {managed.Count} with managed frames, in {Counted.Of(groups.Count, "different stack")}\n");
        foreach (var group in groups)
        {
            var ids = group.Select(static thread => thread.Id).ToList();
            text.Append('\n')
                .Append(ids.Count == 1 ? $"thread {ids[0]}" : string.Create(CultureInfo.InvariantCulture, $"{ids.Count} threads: {string.Join(' ', ids)}"))
                .Append('\n')
                .Append(group.Key);
        }

        return text.ToString();
    }

    // Null for a thread without a named managed frame: one of the runtime's own.
    private static ThreadStack? Read(JsonElement thread)
    {
        if (!thread.TryGetProperty("stack_frames", out var frames))
        {
            return null;
        }

        var text = new StringBuilder();
        if (Text(thread, "managed_exception_type") is { } exception)
        {
            text.Append(CultureInfo.InvariantCulture, $"    exception {exception}\n");
        }

        var shown = 0;
        string? waitsIn = null;
        foreach (var frame in frames.EnumerateArray())
        {
            if (Text(frame, "method_name") is not { } method)
            {
                // The native function below the managed code in which the thread is, if it has a name.
                waitsIn ??= shown == 0 && Text(frame, "unmanaged_name") is { } native ? $"{Text(frame, "native_module")}!{native}" : null;
                continue;
            }

            if (shown == 0 && waitsIn is not null)
            {
                text.Append(CultureInfo.InvariantCulture, $"    [{waitsIn}]\n");
            }

            if (shown++ == FramesShown)
            {
                text.Append("    ...\n");
                break;
            }

            var module = Path.GetFileNameWithoutExtension(Text(frame, "filename") ?? "");
            text.Append(CultureInfo.InvariantCulture, $"    {(module.Length > 0 ? $"{module}!" : "")}{method}\n");
        }

        return shown == 0 ? null : new ThreadStack(Id(Text(thread, "native_thread_id")), text.ToString());
    }

    // Decimal, as in ps -L and top.
    private static string Id(string? hexadecimal) =>
        hexadecimal is ['0', 'x', ..] && int.TryParse(hexadecimal.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var id)
            ? id.ToString(CultureInfo.InvariantCulture)
            : hexadecimal ?? "?";

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? TerminalText.OneLine(value.GetString()!) : null;

    private sealed record ThreadStack(string Id, string Text);
}
