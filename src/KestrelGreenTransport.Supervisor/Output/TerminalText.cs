using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace KestrelGreenTransport.Supervisor.Output;

// A worker's output may contain text from a client's request: it must not be able to control a terminal.

/// <summary>
/// Text for a terminal. Colours are kept, and end with their line. Everything else that would control the terminal (the cursor, the
/// title, the clipboard, the direction of the text) is shown as <c>\u001b</c> instead, which is also valid inside JSON.
/// </summary>
internal static class TerminalText
{
    private const char Escape = '\e';
    private const string Reset = "\e[0m";

    /// <summary>The text with terminal controls escaped, except colours. A colour may stay on after it.</summary>
    public static string Of(string text) => Clean(text, out _);

    /// <summary>The same for a whole line: colours are reset at its end.</summary>
    public static string OfLine(string line)
    {
        var clean = Clean(line, out var isColoured);
        return !isColoured ? clean : clean.EndsWith('\n') ? $"{clean[..^1]}{Reset}\n" : clean + Reset;
    }

    /// <summary>The same for a line's bytes, which are returned unchanged if they need no cleaning.</summary>
    public static ReadOnlyMemory<byte> OfLine(ReadOnlyMemory<byte> line) =>
        IsPlain(line.Span) ? line : Encoding.UTF8.GetBytes(OfLine(Encoding.UTF8.GetString(line.Span)));

    /// <summary>Text of ours that may contain another program's text: terminal controls are escaped, colours too.</summary>
    public static string WithoutOrders(string text) => text.Any(Steers) ? Escaped(text, static c => c) : text;

    /// <summary>
    /// Text of a worker, or of another program, as a part of one of our lines, wherever that is shown: terminal controls are escaped,
    /// colours too, and line breaks become spaces.
    /// </summary>
    public static string OneLine(string text) =>
        text.Any(static c => char.IsControl(c) || Steers(c)) ? Escaped(text, static c => c is '\n' or '\r' or '\t' ? ' ' : c) : text;

    /// <summary>Whether a character controls the terminal: a control character other than newline and tab, or one that changes the text direction.</summary>
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
            // 0xC2 begins the second range of control characters, 0xD8 and 0xE2 begin the direction marks (and much else).
            if (one is (< 0x20 and not (byte)'\n' and not (byte)'\t') or 0x7F or 0xC2 or 0xD8 or 0xE2)
            {
                return false;
            }
        }

        // Invalid UTF-8: a terminal that does not use UTF-8 takes a single byte of the second range as a control character.
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
