using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests;

/// <summary>What the manual names exists: pages and files that it links to, commands and options that it shows.</summary>
public sealed partial class ManualTests
{
    public static TheoryData<string> Pages =>
    [
        "README.md", "CONTRIBUTING.md", "CHANGELOG.md",
        .. Directory.EnumerateFiles(Repo.Path("docs"), "*.md").Select(static path => Path.GetRelativePath(Repo.Root, path)),
        .. Directory.EnumerateDirectories(Repo.Path("samples")).Select(static sample => Path.Combine(sample, "README.md")).Where(File.Exists)
            .Select(static path => Path.GetRelativePath(Repo.Root, path)),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_to_a_file_leads_somewhere(string page)
    {
        var folder = Path.GetDirectoryName(Repo.Path(page))!;
        var broken = Link().Matches(File.ReadAllText(Repo.Path(page)))
            .Select(static match => match.Groups[1].Value)
            .Where(static target => target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
            .Where(target => !Path.Exists(Path.Combine(folder, target)));
        Assert.Empty(broken);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_script_and_project_of_a_command_exists(string page)
    {
        var missing = CommandLines(page)
            .SelectMany(static line => Local().Matches(line).Select(static match => match.Groups[1].Value))
            .Where(static path => !Path.Exists(Repo.Path(path)));
        Assert.Empty(missing);
    }

    [Fact]
    public async Task Every_green_command_of_the_manual_exists_with_the_options_it_is_shown_with()
    {
        var shown = Pages.SelectMany(static page => CommandLines(page.Data))
            .Select(static line => GreenCommand().Match(line))
            .Where(static match => match.Success)
            .ToLookup(static match => match.Groups[1].Value, static match => match.Groups[2].Value);
        Assert.Contains("run", shown.Select(static command => command.Key));

        foreach (var command in shown)
        {
            await using var help = await ChildProgram.Run("dotnet", [Repo.Green, command.Key, "--help"]);
            Assert.Equal(0, await help.Exit());
            foreach (var option in command.SelectMany(static rest => Option().Matches(rest.Split(" -- ")[0])).Select(static match => match.Value).Distinct())
            {
                Assert.True(Regex.IsMatch(help.Output, $@"(^|\s){Regex.Escape(option)}\b", RegexOptions.Multiline), $"green {command.Key} has no {option}");
            }
        }
    }

    /// <summary>What a person types: the lines after a dollar sign.</summary>
    private static IEnumerable<string> CommandLines(string page) =>
        File.ReadLines(Repo.Path(page)).Where(static line => line.StartsWith("$ ", StringComparison.Ordinal)).Select(static line => line[2..]);

    [GeneratedRegex(@"\]\(([^)#]*)(?:#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?:^| )((?:samples|src|test|build)/[\w./-]+)")]
    private static partial Regex Local();

    [GeneratedRegex(@"^green ([a-z]+)(.*)$")]
    private static partial Regex GreenCommand();

    // A capital or a colon in it makes an argument of the app's own (--Logging:LogLevel…).
    [GeneratedRegex(@"(?<=\s)--?[a-z][a-z-]*(?=\s|=|$)")]
    private static partial Regex Option();
}
