using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>SECURITY.md names a mode and a test for each promise, and those tests exist.</summary>
public sealed partial class SecurityPageTests
{
    [Fact]
    public void Each_line_says_in_which_mode_it_holds_has_its_test_and_each_test_is_there()
    {
        var rows = File.ReadAllLines(Path.Combine(Checkout.Root, "SECURITY.md"))
            .SkipWhile(static line => !line.StartsWith("| what holds", StringComparison.Ordinal))
            .Where(static line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| what holds", StringComparison.Ordinal))
            .ToList();
        var classes = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "test"), "*Tests.cs", SearchOption.AllDirectories).ToLookup(static file => Path.GetFileNameWithoutExtension(file), File.ReadAllText);

        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var cells = row.Trim('|', ' ').Split(" | ");
            Assert.True(cells is [_, "all" or "`--user`", _], $"no mode: {row}");
            var tests = Test().Matches(row[row.TrimEnd('|', ' ').LastIndexOf('|')..]).ToList();
            Assert.True(tests.Count > 0, $"no test: {row}");
            Assert.All(tests, test => Assert.True(
                classes[test.Groups[1].Value].Any(text => Regex.IsMatch(text, $@"public (async Task|Task|void) {test.Groups[2].Value}\(")), $"there is no {test.Value}"));
        }
    }

    [GeneratedRegex(@"`(\w+Tests)\.(\w+)`")]
    private static partial Regex Test();
}
