using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>CONTRIBUTING.md names what the emulated arm64 tests leave out, and those tests exist.</summary>
public sealed partial class Arm64PageTests
{
    [Fact]
    public void The_page_names_what_is_left_out_with_the_scripts_reason_and_each_test_is_there()
    {
        var page = File.ReadAllText(Path.Combine(Checkout.Root, "CONTRIBUTING.md"));
        var rows = Row().Matches(File.ReadAllText(Path.Combine(Checkout.Root, "build/arm64/left-out.sh")));

        Assert.NotEmpty(rows);
        foreach (Match row in rows)
        {
            var (project, name, why) = (row.Groups[1].Value, row.Groups[2].Value, row.Groups[3].Value);
            Assert.Contains($"| `{name}` | {why} |", page, StringComparison.Ordinal);
            Assert.Contains(
                Directory.EnumerateFiles(Path.Combine(Checkout.Root, "test", project), "*Tests.cs", SearchOption.AllDirectories),
                file => Regex.IsMatch(File.ReadAllText(file), $@"\b(class {name}\b|(void|Task) {name}\()"));
        }
    }

    [GeneratedRegex("""^  "(\S+?):(\w+):(.+)"$""", RegexOptions.Multiline)]
    private static partial Regex Row();
}
