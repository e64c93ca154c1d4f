using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Manual;

/// <summary>
/// A new user's first hour: docs/getting-started.md typed from beginning to end, in an empty folder.
/// </summary>
public sealed partial class GettingStartedTests
{
    [Fact]
    [Walks("docs/getting-started.md")]
    public async Task A_new_project_becomes_several_processes_that_are_broken_looked_at_and_run_by_the_tool()
    {
        // A warning in the page's code is an error.
        using var port = new FreePort();
        await using var reader = new Reader("shop", ("TreatWarningsAsErrors", "true"), ("PublishRelease", "false"));
        reader.Here("dotnet new web", "dotnet new web --no-restore");
        reader.Here("dotnet run -- ", "dotnet run --no-build -- ");
        reader.Here("8080", $"{port.Release()}");
        reader.Here("~/KestrelGreenTransport", Repo.Root);
        reader.Here("~/green", reader.File("green"));
        reader.Here("$HOME/green", reader.File("green"));
        reader.Here("dotnet publish", $"dotnet publish --no-build -c {Repo.Configuration}");
        var page = new PageWalk("docs/getting-started.md", reader);

        await page.Type("dotnet new web");
        await UseWhatIsBuilt(reader.File("Shop/Shop.csproj"));
        var program = ManualPage.Block("docs/getting-started.md", "using KestrelGreenTransport.Supervisor;").Text;
        await File.WriteAllTextAsync(reader.File("Shop/Program.cs"), program);
        await File.WriteAllTextAsync(reader.File("Shop/Fragments.cs"), FragmentsOfThePages());

        // One ordinary process.
        await page.Type("dotnet run");
        var listening = (await reader.Running.Lines("Now listening on: http://localhost:", 1, TimeSpan.FromMinutes(5)))[0];
        using (var client = new HttpClient())
        {
            Assert.Matches(@"^process \d+\n$", await client.GetStringAsync($"http://127.0.0.1:{listening.Split(':')[^1]}/"));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(reader.File("run")));
        await reader.PressControlC();

        await page.Type("dotnet run -- --workers 2");
        await reader.Running.Lines("worker [12] .* is ready", 2, TimeSpan.FromMinutes(5));
        await reader.Serving(2);
        await page.Type("curl");
        Assert.NotEqual(reader.Pid("4121"), reader.Pid("4122"));
        await reader.Serving(2);
        await page.Type("kill -STOP");
        await reader.StatusWhen(
            "the one that hangs is replaced",
            status => status.State == SupervisorPhase.Running && status.Workers.Count == 2 && status.Workers.All(worker => worker.State == WorkerPhase.Serving && worker.Pid != reader.Pid("4122")));

        await page.Type("dotnet publish");
        await reader.Ended();

        var run = page.StepThrough("green run --workers 2 --bind 127.0.0.1:8080 .");
        await File.WriteAllTextAsync(reader.File("Shop/Program.cs"), program.Replace("process {", "built anew: {", StringComparison.Ordinal));
        await run.Next("green run --workers 2 --bind 127.0.0.1:8080 .");
        await Answers();
        await run.Next("green run --workers 2 --bind 127.0.0.1:8080 ./bin/Release/net10.0/Shop.dll");
        await Answers();
        run.End();
        page.End();

        async Task Answers()
        {
            var status = await reader.Serving(2);
            var answer = await (await reader.Target()).Get("/");
            Assert.Contains(status.Workers, worker => answer == $"built anew: {worker.Pid}\n");
            await reader.PressControlC();
        }
    }

    /// <summary>The programs on other pages are samples/Hello, or a part of it, which many tests start.</summary>
    [Fact]
    public async Task A_program_of_another_page_is_that_of_the_sample()
    {
        var sample = WithoutComments(await File.ReadAllTextAsync(Repo.Path("samples/Hello/Program.cs")));
        var programs = ManualPage.All.Where(static page => page != "docs/getting-started.md").SelectMany(ManualPage.Blocks).Where(IsProgram).ToList();
        Assert.Equal(sample, WithoutComments(Assert.Single(programs, static program => program.Page == "README.md").Text));
        Assert.All(programs, program => Assert.Contains(WithoutComments(program.Text), sample, StringComparison.Ordinal));
    }

    /// <summary>
    /// Makes the project use the assemblies that are already built instead of what `dotnet add reference` added.
    /// </summary>
    private static async Task UseWhatIsBuilt(string project)
    {
        var text = await File.ReadAllTextAsync(project);
        var reference = Assert.Single(Reference().Matches(text));
        var referenced = Path.GetFullPath(reference.Groups[1].Value.Replace('\\', '/'), Path.GetDirectoryName(project)!);
        Assert.Equal(Repo.Path("src/KestrelGreenTransport.Supervisor/KestrelGreenTransport.Supervisor.csproj"), referenced);
        await File.WriteAllTextAsync(project, text.Replace(reference.Value, Repo.References, StringComparison.Ordinal));
    }

    /// <summary>Every C# block of every page that is not a whole program: what can be done with a builder or an app.</summary>
    private static string FragmentsOfThePages()
    {
        var fragments = ManualPage.All.SelectMany(ManualPage.Blocks)
            .Where(static block => block.Language == "csharp" && !IsProgram(block))
            .ToList();
        Assert.NotEmpty(fragments);
        var methods = fragments.Select(static (block, number) => $"    public static void Fragment{number}(WebApplicationBuilder builder, WebApplication app)\n    {{\n{block.Text}    }}\n");
        return $$"""
            using KestrelGreenTransport;

            internal static class Fragments
            {
            {{string.Join('\n', methods)}}}

            internal sealed class NightlyJob : BackgroundService
            {
                protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;
            }
            """;
    }

    private static bool IsProgram(Block block) => block.Language == "csharp" && block.Text.Contains("WebApplication.CreateBuilder", StringComparison.Ordinal);

    private static string WithoutComments(string code) => Comment().Replace(code, "");

    [GeneratedRegex("<ProjectReference Include=\"([^\"]*)\" />")]
    private static partial Regex Reference();

    [GeneratedRegex("^//.*\n", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
