using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>Not checked by the compiler or the whitespace check: a file imports System first, then the rest by name.</summary>
public sealed partial class ImportOrderTests
{
    [Fact]
    public void System_comes_first_and_then_each_by_its_name()
    {
        var files = from folder in (string[])["src", "test", "samples"]
                    from path in Directory.EnumerateFiles(Path.Combine(Checkout.Root, folder), "*.cs", SearchOption.AllDirectories)
                    where !Generated().IsMatch(path)
                    select (Path: path, Imports: Import().Matches(File.ReadAllText(path)).Select(static import => import.Groups[1].Value).ToList());
        var all = files.ToList();
        Assert.Contains(all, static file => file.Imports.Count > 5);
        Assert.Empty(all.Where(static file => !file.Imports.SequenceEqual(Sorted(file.Imports))).Select(static file => file.Path));
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> imports) => imports
        .OrderBy(static import => import == "System" || import.StartsWith("System.", StringComparison.Ordinal) ? 0 : 1)
        .ThenBy(static import => import.Replace('.', '\0'), StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex("^using ([A-Z][\\w.]*);", RegexOptions.Multiline)]
    private static partial Regex Import();

    [GeneratedRegex("/(obj|bin)/")]
    private static partial Regex Generated();
}
