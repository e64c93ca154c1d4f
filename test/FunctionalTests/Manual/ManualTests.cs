using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Manual;

/// <summary>Everything that the manual names exists: linked pages and files, commands and options.</summary>
public sealed partial class ManualTests
{
    public static TheoryData<string> Pages => [.. ManualPage.All];

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
        var missing = ManualPage.Blocks(page).SelectMany(static block => block.Commands)
            .SelectMany(static typed => Local().Matches(typed.Command).Select(static match => match.Groups[1].Value))
            .Where(static path => !Path.Exists(Repo.Path(path)));
        Assert.Empty(missing);
    }

    [Fact]
    public async Task Every_green_command_of_the_manual_exists_with_the_options_it_is_shown_with()
    {
        var shown = ManualPage.All.SelectMany(ManualPage.CommandLines)
            .Select(static line => GreenCommand().Match(line))
            .Where(static match => match.Success)
            .ToLookup(static match => match.Groups[1].Value, static match => match.Groups[2].Value);
        Assert.Contains("run", shown.Select(static command => command.Key));

        foreach (var command in shown)
        {
            await using var help = await Harness.GreenCommand.Run([command.Key, "--help"], Path.GetTempPath());
            Assert.Equal(0, await help.Exit());
            foreach (var option in command.SelectMany(static rest => Option().Matches(rest.Split(" -- ")[0])).Select(static match => match.Value).Distinct())
            {
                Assert.True(Regex.IsMatch(help.Output, $@"(^|\s){Regex.Escape(option)}\b", RegexOptions.Multiline), $"green {command.Key} has no {option}");
            }
        }
    }

    /// <summary>Options that the pages pass to a script are in its help; options that only print something print it.</summary>
    [Fact]
    public async Task Every_script_knows_the_options_it_is_shown_with()
    {
        var shown = ManualPage.All.SelectMany(ManualPage.CommandLines)
            .Select(static line => ScriptCommand().Match(line))
            .Where(static match => match.Success)
            .ToLookup(static match => match.Groups[1].Value, static match => match.Groups[2].Value.Split('#')[0]);
        Assert.Contains("build/soak.sh", shown.Select(static script => script.Key));
        foreach (var script in shown)
        {
            var words = script.SelectMany(static rest => Word().Matches(rest)).Select(static match => match.Value).Except(["--help"]).ToList();
            if (words.Count > 0)
            {
                await using var help = await ChildProgram.Run("bash", [Repo.Path(script.Key), "--help"]);
                Assert.True(await help.Exit() == 0, help.Describe());
                Assert.All(words, word => Assert.Matches($@"(?<![\w-]){word}\b", help.Output));
            }

            foreach (var option in script.SelectMany(static rest => Print().Matches(rest)).Select(static match => match.Value).Distinct())
            {
                await using var prints = await ChildProgram.Run("bash", [Repo.Path(script.Key), option]);
                Assert.True(await prints.Exit() == 0 && prints.OutputLines.Count > 3, prints.Describe());
            }
        }
    }

    /// <summary>Without a target MSBuild only evaluates the project: a fresh clone would have nothing to start.</summary>
    [Fact]
    public void A_script_that_asks_a_project_for_its_program_builds_it()
    {
        var asks = new[] { "samples", "build" }
            .SelectMany(static folder => Directory.EnumerateFiles(Repo.Path(folder), "*.sh", SearchOption.AllDirectories))
            .SelectMany(File.ReadLines)
            .Where(static line => line.Contains("--getProperty:TargetPath", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(asks);
        Assert.All(asks, static line => Assert.Contains("-t:Build ", line, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\]\(([^)#]*)(?:#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?:^| )((?:samples|src|test|build)/[\w./-]+)")]
    private static partial Regex Local();

    [GeneratedRegex(@"^(?:bash )?(build/[\w-]+\.sh)(.*)$")]
    private static partial Regex ScriptCommand();

    // Options and names of scenarios, but not values of options, which begin differently or follow an option.
    [GeneratedRegex(@"(?<=\s)--[a-z][a-z0-9-]*|(?<=^ )[a-z]+")]
    private static partial Regex Word();

    [GeneratedRegex(@"--(?:help|list)\b")]
    private static partial Regex Print();

    [GeneratedRegex(@"^(?:sudo )?green ([a-z]+)(.*)$")]
    private static partial Regex GreenCommand();

    // With a capital or a colon it is an argument of the app's own (--Logging:LogLevel…).
    [GeneratedRegex(@"(?<=\s)--?[a-z][a-z-]*(?=\s|=|$)")]
    private static partial Regex Option();
}
