using System.Text;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>One directive of an nginx configuration, with those in its block. Only the syntax is interpreted, no directive but include.</summary>
/// <param name="Name">The first word.</param>
/// <param name="Arguments">The words after it, without their quotes.</param>
/// <param name="Block">The directives between its braces; empty if it has none.</param>
internal sealed record NginxDirective(string Name, IReadOnlyList<string> Arguments, IReadOnlyList<NginxDirective> Block)
{
    /// <summary>Reads a file and the existing files that it includes.</summary>
    /// <exception cref="FormatException">The braces or quotes do not match.</exception>
    public static IReadOnlyList<NginxDirective> Read(string path) => Read(path, depth: 0);

    /// <summary>This directive and all within it.</summary>
    public IEnumerable<NginxDirective> Flatten() => Block.SelectMany(static inner => inner.Flatten()).Prepend(this);

    private static List<NginxDirective> Read(string path, int depth)
    {
        var tokens = new Queue<(string Text, bool IsQuoted)>(Tokens(File.ReadAllText(path)));
        var directives = Parse(tokens, isBlock: false, path);
        return depth > 8 ? directives : [.. directives.SelectMany(directive => Included(directive, Path.GetDirectoryName(Path.GetFullPath(path))!, depth))];
    }

    private static IEnumerable<NginxDirective> Included(NginxDirective directive, string folder, int depth)
    {
        if (directive is { Name: "include", Arguments: [var pattern] })
        {
            var full = Path.GetFullPath(pattern, folder);
            var parent = Path.GetDirectoryName(full)!;
            return Directory.Exists(parent)
                ? Directory.EnumerateFiles(parent, Path.GetFileName(full)).Order(StringComparer.Ordinal).SelectMany(file => Read(file, depth + 1))
                : [];
        }

        return [directive with { Block = [.. directive.Block.SelectMany(inner => Included(inner, folder, depth))] }];
    }

    private static List<NginxDirective> Parse(Queue<(string Text, bool IsQuoted)> tokens, bool isBlock, string path)
    {
        var directives = new List<NginxDirective>();
        var words = new List<string>();
        while (tokens.TryDequeue(out var token))
        {
            switch (token)
            {
                case (";", false):
                    Add([]);
                    break;
                case ("{", false):
                    Add(Parse(tokens, isBlock: true, path));
                    break;
                case ("}", false) when isBlock && words.Count == 0:
                    return directives;
                case ("}", false):
                    throw new FormatException($"{path}: unexpected '}}': nginx -t shows where.");
                default:
                    words.Add(token.Text);
                    break;
            }
        }

        return isBlock || words.Count > 0 ? throw new FormatException($"{path} ends within a block or a directive: nginx -t shows where.") : directives;

        void Add(IReadOnlyList<NginxDirective> block)
        {
            if (words.Count > 0)
            {
                directives.Add(new NginxDirective(words[0], [.. words.Skip(1)], block));
                words.Clear();
            }
        }
    }

    private static IEnumerable<(string Text, bool IsQuoted)> Tokens(string text)
    {
        var word = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '#' && word.Length == 0)
            {
                i = text.IndexOf('\n', i) is >= 0 and var end ? end : text.Length;
            }
            else if (c is '"' or '\'' && word.Length == 0)
            {
                var close = text.IndexOf(c, i + 1);
                if (close < 0)
                {
                    throw new FormatException("a quote is not closed: nginx -t shows where.");
                }

                yield return (text[(i + 1)..close], true);
                i = close;
            }
            else if (c == '$' && i + 1 < text.Length && text[i + 1] == '{')
            {
                word.Append("${");
                i++;
            }
            else if (c is ';' or '{' || (c == '}' && !word.ToString().Contains("${", StringComparison.Ordinal)) || char.IsWhiteSpace(c))
            {
                if (word.Length > 0)
                {
                    yield return (word.ToString(), false);
                    word.Clear();
                }

                if (!char.IsWhiteSpace(c))
                {
                    yield return (c.ToString(), false);
                }
            }
            else
            {
                word.Append(c);
            }
        }

        if (word.Length > 0)
        {
            yield return (word.ToString(), false);
        }
    }
}
