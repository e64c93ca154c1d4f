using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>docs/architecture.md has a line for each folder of src, and that line says which others its files import.</summary>
public sealed partial class ArchitecturePageTests
{
    private static readonly Dictionary<string, string> Projects = new()
    {
        [""] = "KestrelGreenTransport",
        ["supervisor"] = "KestrelGreenTransport.Supervisor",
        ["tool"] = "KestrelGreenTransport.Tool",
    };

    [Fact]
    public void Every_folder_has_its_line_and_every_line_its_folder()
    {
        Assert.Equal(Projects.Values.Order(), Directory.EnumerateDirectories(Path.Combine(Checkout.Root, "src")).Select(Path.GetFileName).Order());
        foreach (var project in Projects.Values)
        {
            Assert.Equal(FoldersOf(project).Order(), RoomsOf(project).Keys.Order());
        }
    }

    [Fact]
    public void No_folder_imports_another_that_its_line_does_not_name()
    {
        var surprises = from project in Projects.Values
                        from room in RoomsOf(project)
                        let folder = $"{project}/{room.Key}"
                        from file in Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src", folder), "*.cs")
                        from import in Import().Matches(File.ReadAllText(file)).Select(static match => FolderOf(match.Groups[1].Value))
                        where import is not null && import != folder && !room.Value.Contains(import)
                        select $"{Path.GetRelativePath(Checkout.Root, file)} uses {import}";

        Assert.Empty(surprises);
    }

    [Theory]
    [InlineData("KestrelGreenTransport", "Contract")]
    [InlineData("KestrelGreenTransport", "Native")]
    [InlineData("KestrelGreenTransport.Supervisor", "Core", "KestrelGreenTransport/Contract")]
    public void What_all_rest_on_knows_nobody(string project, string room, params string[] butFor) => Assert.Equal(butFor, RoomsOf(project)[room]);

    /// <summary>The project's lines: its folders, and the folders that each may use.</summary>
    private static Dictionary<string, string[]> RoomsOf(string project)
    {
        var lines = File.ReadAllLines(Path.Combine(Checkout.Root, "docs", "architecture.md"))
            .SkipWhile(line => line != $"### `src/{project}`").Skip(1)
            .TakeWhile(static line => !line.StartsWith('#'));
        return lines.Select(static line => Row().Match(line)).Where(static row => row.Success)
            .ToDictionary(static row => row.Groups[1].Value, row => UsesOf(project, row.Groups[2].Value).ToArray());
    }

    // `Core`, `Native`; of the transport `Contract`
    private static IEnumerable<string> UsesOf(string project, string cell) =>
        from part in cell.Split(';')
        let owner = part.Contains("of the transport", StringComparison.Ordinal) ? Projects[""]
            : part.Contains("of the supervisor", StringComparison.Ordinal) ? Projects["supervisor"]
            : project
        from room in Code().Matches(part)
        select $"{owner}/{room.Groups[1].Value}";

    /// <summary>The folder that a namespace is that of, or a type in it; null for what is public, and so everybody's.</summary>
    private static string? FolderOf(string name)
    {
        var project = Projects.Values.Where(project => $"{name}.".StartsWith($"{project}.", StringComparison.Ordinal)).MaxBy(static project => project.Length)!;
        for (var path = name[project.Length..].TrimStart('.').Replace('.', '/'); path is { Length: > 0 }; path = Path.GetDirectoryName(path)!)
        {
            if (Directory.Exists(Path.Combine(Checkout.Root, "src", project, path)))
            {
                return $"{project}/{path}";
            }
        }

        return null;
    }

    private static IEnumerable<string> FoldersOf(string project)
    {
        var root = Path.Combine(Checkout.Root, "src", project);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, Path.GetDirectoryName(file)!))
            .Where(static folder => folder != "." && folder.Split('/')[0] is not ("bin" or "obj"))
            .Distinct();
    }

    [GeneratedRegex(@"^\s*(?:global )?using (?:static )?(?:\w+ = )?(KestrelGreenTransport[\w.]*);", RegexOptions.Multiline)]
    private static partial Regex Import();

    [GeneratedRegex(@"^\| `([^`]+)` \|[^|]+\|([^|]+)\|$")]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
