using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Manual;

/// <summary>A fenced block of a page: where it begins, its language, and its content.</summary>
internal sealed partial record Block(string Page, int Line, string Language, string Text)
{
    /// <summary>What a reader types, the lines after a dollar sign, each with the output that the page shows.</summary>
    public IEnumerable<(string Command, string[] Shown)> Commands =>
        Typed().Matches(Text).Select(static match =>
            (match.Groups[1].Value, match.Groups[2].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)));

    public bool Begins(string text) => Text.StartsWith(text, StringComparison.Ordinal) || Text.StartsWith($"$ {text}", StringComparison.Ordinal);

    public override string ToString() => $"{Page}:{Line}: {Text.Split('\n')[0]}";

    [GeneratedRegex(@"^\$ (.*)\n((?:(?!\$ ).*\n)*)", RegexOptions.Multiline)]
    private static partial Regex Typed();
}

/// <summary>A page of the manual, cut into parts that a test can use.</summary>
internal static partial class ManualPage
{
    /// <summary>Every page that people read, relative to the repository.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
        .. Directory.EnumerateFiles(Repo.Path("docs"), "*.md").Order(StringComparer.Ordinal).Select(static path => Path.GetRelativePath(Repo.Root, path)),
        .. In("samples"),
        .. In("src"),
    ];

    public static string Text(string page) => File.ReadAllText(Repo.Path(page));

    public static IEnumerable<Block> Blocks(string page)
    {
        var text = Text(page);
        return Fence().Matches(text).Select(match => new Block(page, text.AsSpan(0, match.Index).Count('\n') + 1, match.Groups[1].Value, match.Groups[2].Value));
    }

    public static Block Block(string page, string begins) => Assert.Single(Blocks(page), block => block.Begins(begins));

    /// <summary>The text between single backquotes, outside of blocks.</summary>
    public static IEnumerable<string> Spans(string page) => Code().Matches(Fence().Replace(Text(page), "")).Select(static match => match.Groups[1].Value.Replace('\n', ' '));

    /// <summary>The command lines of a page, in blocks and in the text.</summary>
    public static IEnumerable<string> CommandLines(string page) =>
        Blocks(page).SelectMany(static block => block.Commands).Select(static typed => typed.Command).Concat(Spans(page).Where(static span => span.Contains(' ', StringComparison.Ordinal)));

    private static IEnumerable<string> In(string folder) =>
        Directory.EnumerateDirectories(Repo.Path(folder)).Order(StringComparer.Ordinal)
            .Select(static inner => Path.Combine(inner, "README.md")).Where(File.Exists)
            .Select(static path => Path.GetRelativePath(Repo.Root, path));

    [GeneratedRegex("^```(\\w*)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
