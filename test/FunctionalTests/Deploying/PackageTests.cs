using System.IO.Compression;
using System.Security.Cryptography;
using FunctionalTests.Harness;

namespace FunctionalTests.Deploying;

/// <summary>What build/pack.sh makes, used as a stranger would: from a feed, in an empty folder.</summary>
[Collection("builds")]
public sealed class PackageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_new_project_with_the_package_serves_under_the_installed_tool()
    {
        // Packages of this version may have been taken from elsewhere before, and the SDK remembers where a tool was.
        Environment["NUGET_PACKAGES"] = _folder.File("packages");
        Environment["DOTNET_CLI_HOME"] = _folder.File("home");
        await Run(Repo.Path("build/pack.sh"), "--portable", "--no-build", _folder.File("feed"));
        string[] expected = ["KestrelGreenTransport", "KestrelGreenTransport.Supervisor", "KestrelGreenTransport.Tool"];
        var packages = Directory.GetFiles(_folder.File("feed"), "*.nupkg").Select(static file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);
        Assert.Equal(expected, packages.Select(static name => name[..name.IndexOf(".1.", StringComparison.Ordinal)]));

        var app = Directory.CreateDirectory(_folder.File("Shop")).FullName;
        await File.WriteAllTextAsync(Path.Combine(app, "nuget.config"), $"""
            <configuration><packageSources><clear /><add key="local" value="{_folder.File("feed")}" /></packageSources></configuration>
            """);
        await File.WriteAllTextAsync(Path.Combine(app, "Shop.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="KestrelGreenTransport.Supervisor" Version="1.0.0" />
              </ItemGroup>
            </Project>
            """);
        File.Copy(Repo.Path("samples/Hello/Program.cs"), Path.Combine(app, "Program.cs"));
        await RunIn(app, "dotnet", "build", "--nologo", "-warnaserror", "-o", "out");
        await RefusesAnotherTransport();
        const string delay = "System.Runtime.TieredCompilation.CallCountingDelayMs";
        Assert.Contains($"\"{delay}\": 10", await File.ReadAllTextAsync(Path.Combine(app, "out/Shop.runtimeconfig.json")), StringComparison.Ordinal);
        Assert.DoesNotContain(delay, await RunIn(app, "dotnet", "msbuild", "-getItem:RuntimeHostConfigurationOption", "-p:GreenTransportTiering=false"), StringComparison.Ordinal);

        await RunIn(app, "dotnet", "tool", "install", "KestrelGreenTransport.Tool", "--tool-path", "tools");
        await Serves(GreenRun.Start(["-w", "2"], Path.Combine(app, "out/Shop.dll"), green: [Path.Combine(app, "tools/green")]));

        // The two other ways to have it.
        await RunIn(app, "dotnet", "new", "tool-manifest");
        await RunIn(app, "dotnet", "tool", "install", "KestrelGreenTransport.Tool");
        Assert.Contains("1.0.0", await RunIn(app, "dotnet", "green", "--version"), StringComparison.Ordinal);
        Assert.Contains("1.0.0", await RunIn(_folder.Path, "dotnet", "dnx", "KestrelGreenTransport.Tool", "--source", _folder.File("feed"), "--yes", "--", "--version"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_app_compiled_ahead_of_time_gives_no_warning_and_serves_under_a_supervisor_of_its_own()
    {
        var files = new Dictionary<string, string>
        {
            ["Shop.csproj"] = $"""
                <Project Sdk="Microsoft.NET.Sdk.Web">
                  <PropertyGroup>
                    <TargetFramework>net10.0</TargetFramework>
                    <Nullable>enable</Nullable>
                    <ImplicitUsings>enable</ImplicitUsings>
                    <PublishAot>true</PublishAot>
                    <NativeDebugSymbols>false</NativeDebugSymbols>
                    <InvariantGlobalization>true</InvariantGlobalization>
                  </PropertyGroup>
                  <ItemGroup>
                    {Repo.References}
                  </ItemGroup>
                </Project>
                """,
            ["Program.cs"] = await File.ReadAllTextAsync(Repo.Path("samples/Hello/Program.cs")),

            // A user's project is outside of this repository: it has neither the files of these names nor the commit from here.
            ["Directory.Build.props"] = "<Project><PropertyGroup><EnableSourceControlManagerQueries>false</EnableSourceControlManagerQueries></PropertyGroup></Project>",
            ["Directory.Build.targets"] = "<Project />",
            ["Directory.Packages.props"] = "<Project />",
            [".editorconfig"] = "root = true",
        };

        // Kept for the next run of the same libraries: the compiler takes most of this test's time, and has nothing to do then. Only if
        // the test has passed: warnings are not given a second time.
        var app = Repo.Path($"artifacts/ahead-of-time/{Repo.Configuration}");
        var passed = Path.Combine(app, "passed-with");
        var libraries = Directory.GetFiles(Path.GetDirectoryName(Repo.Hello)!, "KestrelGreenTransport*.dll").Order(StringComparer.Ordinal);
        var input = string.Join('\n', [.. files.Values, .. libraries.Select(static file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))))]);
        if (!File.Exists(passed) || await File.ReadAllTextAsync(passed) != input)
        {
            if (Directory.Exists(app))
            {
                Directory.Delete(app, recursive: true);
            }

            Directory.CreateDirectory(app);
            foreach (var (name, text) in files)
            {
                await File.WriteAllTextAsync(Path.Combine(app, name), text);
            }
        }

        File.Delete(passed);
        await RunIn(app, "dotnet", "publish", "--nologo", "-warnaserror", "-r", "linux-x64", "-c", Repo.Configuration, "-o", "out");
        await Serves(GreenRun.StartApp(Path.Combine(app, "out/Shop"), ["--workers", "2", "--bind", "127.0.0.1:0"]));
        await File.WriteAllTextAsync(passed, input);
    }

    // The supervisor uses internals of the transport.
    private async Task RefusesAnotherTransport()
    {
        Repackage("KestrelGreenTransport.1.0.0.nupkg", "KestrelGreenTransport.1.0.1.nupkg", static nuspec => nuspec.Replace("<version>1.0.0<", "<version>1.0.1<", StringComparison.Ordinal));
        Repackage("KestrelGreenTransport.Supervisor.1.0.0.nupkg", "Other.1.0.0.nupkg", static nuspec => nuspec
            .Replace("<id>KestrelGreenTransport.Supervisor<", "<id>Other<", StringComparison.Ordinal)
            .Replace("version=\"[1.0.0]\"", "version=\"1.0.1\"", StringComparison.Ordinal));
        Assert.Contains("NU1107", await Fails("Indirect", "Other"), StringComparison.Ordinal);
        Assert.Contains(
            "KestrelGreenTransport.Supervisor 1.0.0 works only with KestrelGreenTransport 1.0.0, and this project references 1.0.1.",
            await Fails("Direct", "KestrelGreenTransport"), StringComparison.Ordinal);

        void Repackage(string from, string to, Func<string, string> change)
        {
            File.Copy(_folder.File($"feed/{from}"), _folder.File($"feed/{to}"));
            using var zip = ZipFile.Open(_folder.File($"feed/{to}"), ZipArchiveMode.Update);
            var entry = zip.Entries.Single(static one => one.Name.EndsWith(".nuspec", StringComparison.Ordinal));
            string text;
            using (var reader = new StreamReader(entry.Open()))
            {
                text = reader.ReadToEnd();
            }

            var changed = change(text);
            Assert.NotEqual(text, changed);
            entry.Delete();
            using var writer = new StreamWriter(zip.CreateEntry(to[..to.IndexOf(".1.", StringComparison.Ordinal)] + ".nuspec").Open());
            writer.Write(changed);
        }

        async Task<string> Fails(string name, string package)
        {
            var app = Directory.CreateDirectory(_folder.File(name)).FullName;
            File.Copy(_folder.File("Shop/nuget.config"), Path.Combine(app, "nuget.config"));
            await File.WriteAllTextAsync(Path.Combine(app, $"{name}.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk.Web">
                  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
                  <ItemGroup>
                    <PackageReference Include="KestrelGreenTransport.Supervisor" Version="1.0.0" />
                    <PackageReference Include="{package}" Version="{(package == "Other" ? "1.0.0" : "1.0.1")}" />
                  </ItemGroup>
                </Project>
                """);
            File.Copy(Repo.Path("samples/Hello/Program.cs"), Path.Combine(app, "Program.cs"));
            await using var build = ChildProgram.Start("dotnet", ["build", "--nologo"], Environment, app);
            Assert.NotEqual(0, await build.Exit(limit: TimeSpan.FromMinutes(20)));
            return build.Output;
        }
    }

    private static async Task Serves(GreenRun run)
    {
        await using var green = run;
        await green.Serving(2);
        Assert.StartsWith("Hello from process ", await (await green.Target()).Get("/"), StringComparison.Ordinal);
        await green.StopCleanly();
    }

    // What pack.sh takes is what these tests run with.
    private Dictionary<string, string?> Environment { get; } = new()
    {
        ["CONFIGURATION"] = Repo.Configuration,

        // One compiler for all of them, as a user has it: that of the build before the tests if it is still there, else one that ends with
        // the command that has started it.
        ["UseSharedCompilation"] = "true",

        // MSBuild waits for compilers, and would spend that time on optimizing itself for work that does not come. Hexadecimal: six minutes.
        ["DOTNET_TC_CallCountingDelayMs"] = "60000",
    };

    private Task<string> Run(string program, params string[] arguments) => RunIn(_folder.Path, program, arguments);

    private async Task<string> RunIn(string folder, string program, params string[] arguments)
    {
        // Compilers beside tests of what a client waits for: those come first.
        await using var child = ChildProgram.Start("nice", ["-n", "5", program, .. arguments], Environment, folder);
        Assert.True(await child.Exit(limit: TimeSpan.FromMinutes(20)) == 0, $"{child.Command}\n{child.Output}");
        return child.Output;
    }
}
