using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests;

/// <summary>The programs in the manual compile as they stand, and do what it says of them; pieces of programs compile.</summary>
[Collection("builds")]
public sealed partial class ManualSnippetTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/getting-started.md")]
    public async Task The_program_of_the_page_compiles_and_runs_as_two_workers(string page)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("Program.cs"), ProgramIn(page));
        await File.WriteAllTextAsync(folder.File("Fragments.cs"), FragmentsOfThePages());
        await File.WriteAllTextAsync(folder.File("Shop.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <ProjectReference Include="{Repo.Path("src/KestrelGreenTransport.Supervisor/KestrelGreenTransport.Supervisor.csproj")}" />
              </ItemGroup>
            </Project>
            """);
        await using (var build = ChildProgram.Start(
            "nice", ["-n", "19", "dotnet", "build", "--nologo", "-warnaserror", "-c", Repo.Configuration, "-o", folder.File("out")], folder: folder.Path))
        {
            Assert.True(await build.Exit(limit: TimeSpan.FromMinutes(20)) == 0, build.Output);
        }

        await using var green = GreenRun.StartApp(folder.File("out/Shop.dll"), ["--workers", "2", "--bind", "127.0.0.1:0"]);
        var status = await green.Serving(2);
        var answer = await (await green.Target()).Get("/");
        Assert.Contains(status.Workers, worker => answer.Contains($"process {worker.Pid}", StringComparison.Ordinal));
        await green.StopCleanly();
    }

    /// <summary>The one C# block of the page that builds an app.</summary>
    private static string ProgramIn(string page) =>
        CSharp().Matches(File.ReadAllText(Repo.Path(page)))
            .Select(static block => block.Groups[1].Value)
            .Single(static code => code.Contains("WebApplication.CreateBuilder", StringComparison.Ordinal));

    /// <summary>Every block of C# that is no program: what can be done with a builder or an app.</summary>
    private static string FragmentsOfThePages()
    {
        var fragments = ManualTests.Pages.SelectMany(static page => CSharp().Matches(File.ReadAllText(Repo.Path(page.Data))))
            .Select(static block => block.Groups[1].Value)
            .Where(static code => !code.Contains("WebApplication.CreateBuilder", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(fragments);
        var methods = fragments.Select(static (code, number) => $"    public static void Fragment{number}(WebApplicationBuilder builder, WebApplication app)\n    {{\n{code}    }}\n");
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

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharp();
}
