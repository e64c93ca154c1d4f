using System.IO.Compression;
using System.Xml.Linq;
using FunctionalTests.Harness;
using FunctionalTests.Manual;

namespace FunctionalTests.Deploying;

/// <summary>The packages of the tool, including the one compiled ahead of time: which platform gets which, their contents, and which users may run them.</summary>
[Collection("builds")]
public sealed class ToolPackageTests : IDisposable
{
    private const string Tool = "KestrelGreenTransport.Tool";
    private const int Nobody = 65534;

    // RHEL 8's glibc, the oldest that .NET 10 supports.
    private static readonly Version OldestGlibc = new(2, 28);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_platform_gets_a_package_that_starts_there_and_so_does_each_user()
    {
        await Run(Repo.Path("build/pack.sh"), "--tool", _folder.File("feed"));

        // Packages of this version may have been installed from elsewhere before, and the SDK remembers where.
        Environment["NUGET_PACKAGES"] = _folder.File("packages");
        Environment["DOTNET_CLI_HOME"] = _folder.File("home");

        // musl is listed explicitly, or it would get the package for glibc. A platform without its own package gets the portable one.
        Assert.Equal(
            [
                ("any", $"{Tool}.any"), ("linux-arm64", $"{Tool}.any"), ("linux-musl-arm64", $"{Tool}.any"), ("linux-musl-x64", $"{Tool}.any"),
                ("linux-x64", $"{Tool}.linux-x64"),
            ],
            PackagesByPlatform());
        Assert.Equal(
            [$"{Tool}.1.0.0.nupkg", $"{Tool}.any.1.0.0.nupkg", $"{Tool}.linux-x64.1.0.0.nupkg"],
            Directory.GetFiles(_folder.File("feed"), "*.nupkg").Select(static file => Path.GetFileName(file)!).Order(StringComparer.Ordinal));

        var native = _folder.File("green");
        using (var package = await ZipFile.OpenReadAsync(_folder.File($"feed/{Tool}.linux-x64.1.0.0.nupkg")))
        {
            Assert.DoesNotContain(package.Entries, static entry => entry.FullName.EndsWith(".dbg", StringComparison.Ordinal));
            await Assert.Single(package.Entries, static entry => entry.Name == "green").ExtractToFileAsync(native);
        }

        var symbols = await Run("objdump", "-T", native);
        var versions = symbols.Split((char[])[' ', '\n', '(', ')']).Where(static word => word.StartsWith("GLIBC_2", StringComparison.Ordinal)).ToHashSet();
        Assert.Contains("GLIBC_2.2.5", versions);
        Assert.DoesNotContain(versions, static version => Version.Parse(version["GLIBC_".Length..]) > OldestGlibc);

        // As samples/Systemd says, with folders of our own.
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
        var tools = _folder.File("tools");
        foreach (var (command, _) in ManualPage.Block("samples/Systemd/README.md", "dotnet tool install").Commands.Take(2))
        {
            await Run("sh", "-c", $"umask 022; {command.Replace("/usr/local/lib/green", $"'{tools}'", StringComparison.Ordinal)}");
        }

        Assert.Contains(".linux-x64/", File.ResolveLinkTarget(Path.Combine(tools, "green"), returnFinalTarget: true)!.FullName, StringComparison.OrdinalIgnoreCase);
        string[] nobody = System.Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups"] : ["env"];
        Assert.Contains("1.0.0", await Run(nobody[0], [.. nobody[1..], Path.Combine(tools, "green"), "--version"]), StringComparison.Ordinal);

        Environment["DOTNET_RUNTIME_ID"] = "linux-musl-x64";
        await Run("dotnet", "tool", "install", Tool, "--tool-path", "musl");
        Assert.NotEmpty(Directory.EnumerateDirectories(_folder.File("musl"), $"{Tool.ToLowerInvariant()}.any", SearchOption.AllDirectories));
        Assert.Contains("1.0.0", await Run(_folder.File("musl/green"), "--version"), StringComparison.Ordinal);
    }

    private IEnumerable<(string Platform, string Package)> PackagesByPlatform()
    {
        using var package = ZipFile.OpenRead(_folder.File($"feed/{Tool}.1.0.0.nupkg"));
        using var settings = Assert.Single(package.Entries, static entry => entry.Name == "DotnetToolSettings.xml").Open();
        return [.. XDocument.Load(settings).Descendants("RuntimeIdentifierPackage")
            .Select(static one => (one.Attribute("RuntimeIdentifier")!.Value, one.Attribute("Id")!.Value)).Order()];
    }

    // What ships is a release build: it is strict, and leaves out code that the other tests compile.
    private Dictionary<string, string?> Environment { get; } = new() { ["CONFIGURATION"] = "Release" };

    private async Task<string> Run(string program, params string[] arguments)
    {
        await File.WriteAllTextAsync(_folder.File("nuget.config"), $"""
            <configuration><packageSources><clear /><add key="local" value="{_folder.File("feed")}" /></packageSources></configuration>
            """);

        // Compilers run beside tests that measure how long a client waits; those have priority.
        await using var child = ChildProgram.Start("nice", ["-n", "5", program, .. arguments], Environment, _folder.Path);
        Assert.True(await child.Exit(limit: TimeSpan.FromMinutes(20)) == 0, $"{child.Command}\n{child.Output}");
        return child.Output;
    }
}
