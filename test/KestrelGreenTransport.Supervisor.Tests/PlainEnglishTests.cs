using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>The product's code and texts, its pages, samples and scripts use none of the phrases that native readers stumble over.</summary>
public sealed partial class PlainEnglishTests
{
    // White space, and the sign of a comment at the beginning of its next line.
    private const string Break = @"\s+(?:(?://+|#|\*)\s+)?";

    // Each phrase is a regular expression, in which a space stands for a Break.
    private static readonly (string Phrase, string Instead)[] Banned =
    [
        ("nobody", "no client, no worker, no other process"),
        ("somebody", "a client, a user, another process"),
        ("whoever", "the client that, the process that, the user who"),
        ("anew", "again, or a verb with re-, such as reopen or rebuild"),
        ("(?:has|have) not beaten", "sent no heartbeat"),
        ("for want of", "because there is no, because … is missing"),
        ("be content", "ignore this"),
        ("(?:its|and) kin", "and others, similar ones"),
        ("so much (?:resident )?memory", "this much memory"),
        ("go(?:es)? on", "continue, keep running"),
        ("serves? on", "keep serving; of an address: listen on"),
        ("runs on(?=[.,;:)]| (?:after|although|and|because|but|for|until|when|while|without)\\b)", "keep running"),
        ("replaced back", "rolled back"),
        ("bye", "say what has ended, such as: all workers have exited"),
    ];

    private static readonly (Regex Phrase, string Instead)[] Patterns =
    [
        .. Banned.Select(static banned => (
            new Regex($"\\b(?:{banned.Phrase.Replace(" ", Break, StringComparison.Ordinal)})\\b", RegexOptions.IgnoreCase | RegexOptions.Compiled),
            banned.Instead)),
    ];

    private static readonly string[] Folders = ["src", "docs", "samples", "build"];

    [Fact]
    public void No_text_has_a_phrase_for_which_there_is_a_plainer_one()
    {
        var files = Files().ToList();
        Assert.All(Folders, folder => Assert.Contains(files, path => path.StartsWith($"{folder}/", StringComparison.Ordinal)));
        var found = files.SelectMany(static path => Found(path, File.ReadAllText(Path.Combine(Checkout.Root, path)))).ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public void A_phrase_is_found_with_its_line_and_what_to_write_instead()
    {
        const string Text = """
            /// It is no longer
            /// so that the worker goes
            /// on. Nobody_is_a_name, and it runs on a thread.
            """;
        Assert.Equal(["a.cs:2: 'goes on'. Write instead: continue, keep running"], Found("a.cs", Text));
    }

    private static IEnumerable<string> Found(string path, string text) =>
        from banned in Patterns
        from match in banned.Phrase.Matches(text)
        let line = text.AsSpan(0, match.Index).Count('\n') + 1
        select $"{path}:{line}: '{Breaks().Replace(match.Value, " ")}'. Write instead: {banned.Instead}";

    private static IEnumerable<string> Files() =>
        from path in Folders
            .SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Checkout.Root, folder), "*", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Checkout.Root, "*.md"))
        let relative = Path.GetRelativePath(Checkout.Root, path)
        where TextFile().IsMatch(relative) && !Generated().IsMatch(relative)
        orderby relative
        select relative;

    [GeneratedRegex(@"\.(?:c|conf|cs|csproj|html|json|lua|md|props|proto|py|service|sh|socket|targets|txt|yaml)$|/Dockerfile$")]
    private static partial Regex TextFile();

    [GeneratedRegex("/(?:obj|bin)/")]
    private static partial Regex Generated();

    [GeneratedRegex(Break)]
    private static partial Regex Breaks();
}
