using System.Globalization;
using System.Text;

namespace KestrelGreenTransport.Tests.Fuzz.Http;

/// <summary>
/// What a client has received so far, as answers: without dates, and without the boundaries between chunks, which depend on how
/// the request's body arrived.
/// </summary>
internal sealed class HttpAnswers(IReadOnlyList<HttpExchange> exchanges)
{
    private readonly List<byte> _bytes = [];
    private readonly List<byte> _text = [];
    private int _position;

    /// <summary>The number of complete final answers.</summary>
    public int Complete { get; private set; }

    /// <summary>The number of 100 Continue answers.</summary>
    public int Continued { get; private set; }

    /// <summary>The number of raw bytes received after an upgrade; null if the connection was not upgraded.</summary>
    public int? Raw { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        if (Raw is not null)
        {
            TakeRaw();
        }

        while (Raw is null && TryTake())
        {
        }
    }

    /// <summary>All complete answers and, on request, the rest: an answer without a length, if the stream ended normally.</summary>
    public string Text(bool withRest)
    {
        var text = Encoding.Latin1.GetString([.. _text]);
        return withRest ? text + Dateless(Encoding.Latin1.GetString([.. _bytes.Skip(_position)])) : text;
    }

    private static string Dateless(string text) =>
        string.Join("\r\n", text.Split("\r\n").Where(static line => !line.StartsWith("Date: ", StringComparison.Ordinal)));

    private bool TryTake()
    {
        var all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes)[_position..];
        var end = all.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return false;
        }

        var head = Encoding.ASCII.GetString(all[..(end + 4)]);
        var body = all[(end + 4)..];
        var status = int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
        byte[] content;
        var used = 0;
        if (status == 101)
        {
            _text.AddRange(Encoding.ASCII.GetBytes(Dateless(head)));
            _position += end + 4;
            Complete++;
            TakeRaw();
            return false;
        }

        if (status < 200 || status is 204 or 304 || (Complete < exchanges.Count && exchanges[Complete].IsHead))
        {
            content = [];
        }
        else if (head.Contains("Transfer-Encoding: chunked", StringComparison.Ordinal))
        {
            if (!TryDecode(body, out content, out used))
            {
                return false;
            }
        }
        else if (Header(head, "Content-Length") is { } length)
        {
            used = int.Parse(length, CultureInfo.InvariantCulture);
            if (body.Length < used)
            {
                return false;
            }

            content = body[..used].ToArray();
        }
        else
        {
            return false;
        }

        _text.AddRange(Encoding.ASCII.GetBytes(Dateless(head)));
        _text.AddRange(content);
        _position += end + 4 + used;
        if (status == 100)
        {
            Continued++;
        }
        else
        {
            Complete++;
        }

        return true;
    }

    private void TakeRaw()
    {
        _text.AddRange(_bytes.Skip(_position));
        Raw = (Raw ?? 0) + (_bytes.Count - _position);
        _position = _bytes.Count;
    }

    private static bool TryDecode(ReadOnlySpan<byte> body, out byte[] content, out int used)
    {
        var decoded = new List<byte>();
        content = [];
        used = 0;
        while (true)
        {
            var line = body[used..].IndexOf("\r\n"u8);
            if (line < 0)
            {
                return false;
            }

            var length = int.Parse(Encoding.ASCII.GetString(body.Slice(used, line)), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            used += line + 2;
            if (length == 0)
            {
                break;
            }

            if (body.Length < used + length + 2)
            {
                return false;
            }

            decoded.AddRange(body.Slice(used, length));
            used += length + 2;
        }

        // Trailers, and an empty line.
        while (true)
        {
            var line = body[used..].IndexOf("\r\n"u8);
            if (line < 0)
            {
                return false;
            }

            decoded.AddRange(body.Slice(used, line));
            used += line + 2;
            if (line == 0)
            {
                content = [.. decoded];
                return true;
            }
        }
    }

    private static string? Header(string head, string name) =>
        head.Split("\r\n").FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.Ordinal))?[(name.Length + 2)..];
}
