using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace KestrelGreenTransport.Supervisor.Output;

// What a worker writes may hold what a client wrote into a request: a terminal must not take orders from it.

/// <summary>
/// Text for a terminal: colours pass, and end with their line. Everything else that would steer it (the cursor, the title, the
/// clipboard, the direction of the text) is shown as <c>\u001b</c> instead, which is valid inside of JSON too.
/// </summary>
internal static class TerminalText
{
    private const char Escape = '\e';
    private const string Reset = "\e[0m";

    /// <summary>The text without orders to the terminal. A colour may stay on after it.</summary>
    public static string Of(string text) => Clean(text, out _);

    /// <summary>The same for a whole line: what comes after it has the colours that it had before.</summary>
    public static string OfLine(string line)
    {
        var clean = Clean(line, out var isColoured);
        return !isColoured ? clean : clean.EndsWith('\n') ? $"{clean[..^1]}{Reset}\n" : clean + Reset;
    }

    /// <summary>The same for a line's bytes: themselves, unless there is something in them.</summary>
    public static ReadOnlyMemory<byte> OfLine(ReadOnlyMemory<byte> line) =>
        IsPlain(line.Span) ? line : Encoding.UTF8.GetBytes(OfLine(Encoding.UTF8.GetString(line.Span)));

    /// <summary>Text of ours that may hold some of another program's: nothing steers, and no colour passes.</summary>
    public static string WithoutOrders(string text) => text.Any(Steers) ? Escaped(text, static c => c) : text;

    /// <summary>
    /// Text of a worker, or of another program, as a part of a line of ours, wherever that goes: nothing steers, no colour
    /// passes, and it begins no line of its own.
    /// </summary>
    public static string OneLine(string text) =>
        text.Any(static c => char.IsControl(c) || Steers(c)) ? Escaped(text, static c => c is '\n' or '\r' or '\t' ? ' ' : c) : text;

    /// <summary>Whether a terminal takes this for an order: a control character but the end of a line and the tabulator, or a sign that turns text round.</summary>
    public static bool Steers(char c) =>
        (char.IsControl(c) && c is not '\n' and not '\t')
        || c is '\u061c' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    private static string Escaped(string text, Func<char, char> shown)
    {
        var clean = new StringBuilder(text.Length + 16);
        foreach (var c in text.Select(shown))
        {
            _ = Steers(c) ? clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : clean.Append(c);
        }

        return clean.ToString();
    }

    private static bool IsPlain(ReadOnlySpan<byte> line)
    {
        foreach (var one in line)
        {
            // 0xC2 leads to the second range of control characters, 0xD8 and 0xE2 to the signs that turn text round (and to much else).
            if (one is (< 0x20 and not (byte)'\n' and not (byte)'\t') or 0x7F or 0xC2 or 0xD8 or 0xE2)
            {
                return false;
            }
        }

        // A single byte of the second range is one for a terminal that does not speak UTF-8.
        return Utf8.IsValid(line);
    }

    private static string Clean(string text, out bool isColoured)
    {
        isColoured = false;
        if (!text.Any(Steers))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            if (LengthOfColour(text.AsSpan(i)) is > 0 and var length)
            {
                isColoured = true;
                clean.Append(text, i, length);
                i += length - 1;
            }
            else if (Steers(text[i]))
            {
                clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
            }
            else
            {
                clean.Append(text[i]);
            }
        }

        return clean.ToString();
    }

    // ESC [ digits, semicolons and colons m.
    private static int LengthOfColour(ReadOnlySpan<char> text)
    {
        if (text is not [Escape, '[', ..])
        {
            return 0;
        }

        var end = 2;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is ';' or ':'))
        {
            end++;
        }

        return end < text.Length && text[end] == 'm' ? end + 1 : 0;
    }
}
