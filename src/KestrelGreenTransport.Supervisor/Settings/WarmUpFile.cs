using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>
/// Requests in a file of the <c>.http</c> format of Visual Studio and VS Code: a request line, headers, an empty line and a body;
/// <c>###</c> between two requests; <c>#</c> or <c>//</c> before a comment; variables as <c>@name = value</c> and <c>{{name}}</c>.
/// </summary>
internal sealed class WarmUpFile
{
    private readonly Dictionary<string, string> _variables = [];
    private readonly List<WarmUpRequest> _requests = [];
    private readonly List<string> _headers = [];
    private readonly List<string> _body = [];
    private Part _part = Part.RequestLine;
    private string _method = "";
    private string _target = "";
    private int _requestLine;

    private enum Part
    {
        RequestLine,
        Headers,
        Body,
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="FormatException">The text is not in this format; the message begins with the line.</exception>
    public static IReadOnlyList<WarmUpRequest> Parse(string text)
    {
        var file = new WarmUpFile();
        var number = 0;
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            file.Take(line, ++number);
        }

        file.EndRequest();
        return file._requests.Count > 0 ? file._requests : throw At(number, "the file contains no request");
    }

    private static FormatException At(int line, string problem) => new($"line {line}: {problem}");

    private void Take(string line, int number)
    {
        if (line.StartsWith("###", StringComparison.Ordinal))
        {
            EndRequest();
        }
        else if (_part == Part.Body)
        {
            if (_body.Count == 0 && line.StartsWith("< ", StringComparison.Ordinal))
            {
                throw At(number, "a body from another file ('<') is not supported: write it here");
            }

            _body.Add(Fill(line, number));
        }
        else if (line.StartsWith('#') || line.StartsWith("//", StringComparison.Ordinal))
        {
            // A comment.
        }
        else if (string.IsNullOrWhiteSpace(line))
        {
            _part = _part == Part.Headers ? Part.Body : _part;
        }
        else if (_part == Part.RequestLine)
        {
            if (line.StartsWith('@'))
            {
                Define(line, number);
            }
            else
            {
                Begin(Fill(line, number), number);
            }
        }
        else if (_headers.Count == 0 && line.TrimStart() is ['?' or '&', ..] more)
        {
            // A long query may continue on further lines.
            _target += Fill(more.Trim(), number);
        }
        else
        {
            AddHeader(Fill(line, number).Trim(), number);
        }
    }

    private void Define(string line, int number)
    {
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        if (equals < 2)
        {
            throw At(number, "a variable must be '@name = value'");
        }

        _variables[line[1..equals].Trim()] = Fill(line[(equals + 1)..].Trim(), number);
    }

    private void Begin(string line, int number)
    {
        var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        words = words is [.., _, ['H', 'T', 'T', 'P', '/', ..]] ? words[..^1] : words;
        (_method, _target) = words switch
        {
            [var target] => ("GET", target),
            [var method, var target] => (method.ToUpperInvariant(), target),
            _ => throw At(number, "a request must be 'METHOD URL'"),
        };
        _part = Part.Headers;
        _requestLine = number;
        if (WarmUpRequest.ProblemOfMethod(_method) is { } problem)
        {
            throw At(number, problem);
        }
    }

    private void AddHeader(string line, int number)
    {
        if (WarmUpRequest.ProblemOfHeader(line) is { } problem)
        {
            throw At(number, problem);
        }

        _headers.Add(line);
    }

    private void EndRequest()
    {
        if (_part != Part.RequestLine)
        {
            while (_body is [.., var last] && string.IsNullOrWhiteSpace(last))
            {
                _body.RemoveAt(_body.Count - 1);
            }

            var request = new WarmUpRequest(_method, PathOf(_target), [.. _headers], _body.Count > 0 ? string.Join('\n', _body) : null);
            if (request.Problem() is { } problem)
            {
                throw At(_requestLine, problem);
            }

            _requests.Add(request);
        }

        _part = Part.RequestLine;
        _headers.Clear();
        _body.Clear();
    }

    // The host in a file may be any server; the app sees its name in the Host header.
    private string PathOf(string target)
    {
        var scheme = target.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return target;
        }

        var authority = target[(scheme + 3)..];
        var path = authority.IndexOfAny(['/', '?']);
        var host = path < 0 ? authority : authority[..path];
        if (!_headers.Exists(static header => header.StartsWith("Host:", StringComparison.OrdinalIgnoreCase)))
        {
            AddHeader($"Host: {host}", _requestLine);
        }

        return path < 0 ? "/" : authority[path] == '?' ? $"/{authority[path..]}" : authority[path..];
    }

    private string Fill(string line, int number)
    {
        for (var from = line.IndexOf("{{", StringComparison.Ordinal); from >= 0; from = line.IndexOf("{{", from, StringComparison.Ordinal))
        {
            var to = line.IndexOf("}}", from, StringComparison.Ordinal);
            var name = to < 0 ? "" : line[(from + 2)..to].Trim();
            if (!_variables.TryGetValue(name, out var value))
            {
                throw At(number, $"there is no variable '{name}' above this line");
            }

            line = line[..from] + value + line[(to + 2)..];
            from += value.Length;
        }

        return line;
    }
}
