using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>docs/architecture.md has a line for each folder of src. It lists the folders that its files import; those of the same project must be above it.</summary>
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
    public void A_line_names_what_the_files_of_its_folder_import_and_no_more()
    {
        var imported = from file in Files()
                       from import in file.Imports
                       select (file.Folder, import);
        var named = from project in Projects.Values
                    from room in RoomsOf(project)
                    from used in room.Value
                    select ($"{project}/{room.Key}", used);
        Assert.Equal(named.Order(), imported.Distinct().Order());
    }

    [Fact]
    public void A_room_uses_only_rooms_that_stand_above_it()
    {
        foreach (var project in Projects.Values)
        {
            var rooms = RoomsOf(project);
            var above = new HashSet<string>();
            foreach (var (room, uses) in rooms)
            {
                Assert.Empty(uses.Where(used => used.StartsWith($"{project}/", StringComparison.Ordinal) && !above.Contains(used)).Select(used => $"{room} uses {used}"));
                above.Add($"{project}/{room}");
            }
        }
    }

    // Imports show all uses only if nothing is visible without one: neither through the namespace of another folder, nor from an
    // enclosing room.
    [Fact]
    public void A_namespace_is_that_of_its_folder_and_no_room_uses_the_one_that_it_is_in()
    {
        var files = Files().ToList();
        Assert.Empty(files.Where(static file => file.Namespace != file.Folder.Replace('/', '.')).Select(static file => file.Path));
        var outer = files.Where(file => files.Exists(inner => inner.Folder.StartsWith($"{file.Folder}/", StringComparison.Ordinal)))
            .SelectMany(static file => Declaration().Matches(file.Text).Select(match => (file.Folder, Type: match.Groups[1].Value)));
        Assert.NotEmpty(outer);
        Assert.Empty(
            from declared in outer
            from inner in files
            where inner.Folder.StartsWith($"{declared.Folder}/", StringComparison.Ordinal) && Regex.IsMatch(inner.Text, $@"\b{declared.Type}\b")
            select $"{inner.Path} uses {declared.Type}");
    }

    /// <summary>The files of all rooms.</summary>
    private static IEnumerable<(string Path, string Folder, string Namespace, string Text, IEnumerable<string> Imports)> Files() =>
        from project in Projects.Values
        from room in FoldersOf(project)
        let folder = $"{project}/{room}"
        from path in Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src", folder), "*.cs")
        let text = File.ReadAllText(path)
        select (
            Path.GetRelativePath(Checkout.Root, path),
            folder,
            Namespace().Match(text).Groups[1].Value,
            text,
            Import().Matches(text).Select(static match => FolderOf(match.Groups[1].Value)).OfType<string>().Where(import => import != folder));

    /// <summary>The project's lines: its folders, and which folders each may use.</summary>
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

    /// <summary>The folder that a namespace, or a type in it, belongs to; null for public ones, which every folder may use.</summary>
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

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^internal (?:\w+ )*(?:class|struct|interface|enum|record) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^\| `([^`]+)` \|[^|]+\|([^|]+)\|$")]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
