using FunctionalTests.Harness;

namespace FunctionalTests.Operating;

/// <summary>During development: a saved change is built and served, or the reason why not is reported.</summary>
public sealed class WatchTests
{
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task What_is_saved_is_built_once_and_served_and_what_does_not_build_is_told_while_the_old_one_serves()
    {
        using var project = new TemporaryFolder();
        using var temporary = new TemporaryFolder();
        await WebProject.Write(project.Path, """app.MapGet("/text", () => Text.Now + Text.More);""");
        await Write(project, "Text.cs", """static partial class Text { public const string Now = "one"; }""");
        await Write(project, "More.cs", """static partial class Text { public const string More = "!"; }""");
        await using var green = GreenRun.Start(["-w", "1", "--watch"], app: project.Path, environment: ("TMPDIR", temporary.Path));
        await green.Process.Lines("worker 1 .* is ready", 1, BuildLimit);
        var target = await green.Target();
        Assert.Equal("one!", await target.Get("/text"));
        var first = Assert.Single(Builds(temporary));

        // Two files at once, and a temporary file of an editor. The supervisor sees all of them together.
        await Kernel.Freeze(green.Process.Pid);
        await Write(project, "Text.cs", """static partial class Text { public const string Now = "two"; }""");
        await Write(project, ".#Text.cs", "");
        await Write(project, "More.cs", """static partial class Text { public const string More = "?"; }""");
        Kernel.Signal(green.Process.Pid, Kernel.SIGCONT);
        await green.Process.Lines("reloaded: generation 2 is serving", 1, BuildLimit);
        Assert.Equal("two?", await target.Get("/text"));
        Assert.Single(await green.Process.Lines("has changed: rebuilding", 1));
        await Eventually.True("what the first generation ran from is gone", () => Builds(temporary) is [var one] && one != first, green.Process.Describe);

        await Write(project, "Text.cs", """static partial class Text { public const string Now = "three" }""");
        await green.Process.Lines("the reload to generation 3 failed: .*Shop.csproj does not build", 1, BuildLimit);
        Assert.Contains("build: ", green.Process.Output, StringComparison.Ordinal);
        Assert.Contains("error CS1002", green.Process.Output, StringComparison.Ordinal);
        Assert.Equal("two?", await target.Get("/text"));

        // Fixed.
        await Write(project, "Text.cs", """static partial class Text { public const string Now = "three"; }""");
        await green.Process.Lines("reloaded: generation 4 is serving", 1, BuildLimit);
        Assert.Equal("three?", await target.Get("/text"));
        await green.StopCleanly();
        Assert.Empty(Directory.EnumerateDirectories(temporary.Path, "green-build-*"));
    }

    [Fact]
    public async Task There_must_be_a_source_to_watch()
    {
        await using var green = GreenRun.Start(["-w", "1", "--watch"]);
        Assert.Equal(2, await green.Exit());
        Assert.Contains("Watch needs an app that is built from source: name its project instead of", green.Process.Output, StringComparison.Ordinal);
    }

    private static Task Write(TemporaryFolder folder, string name, string text) =>
        File.WriteAllTextAsync(folder.File(name), text, TestContext.Current.CancellationToken);

    private static string[] Builds(TemporaryFolder temporary) =>
        [.. Directory.EnumerateDirectories(temporary.Path, "green-build-*").SelectMany(Directory.EnumerateDirectories)];
}
