using System.Reflection;

namespace FunctionalTests.Manual;

/// <summary>
/// Every fenced block of the manual is executed: typed by a test that walks through its page, compiled, or dealt with as the
/// table here says. A block that is none of this fails.
/// </summary>
public sealed class ManualCoverageTests
{
    private const string ByItsSample = "the sample's own test starts it and holds what is shown";
    private const string Script = "takes minutes or hours: ManualTests.Every_script_knows_the_options_it_is_shown_with has its options";
    private const string Cluster = "needs a cluster: DeploymentSampleTests has the manifest";
    private const string Settings = "ConfigTests has green take it";
    private const string ContractPage = "WorkerContractPageTests runs it";

    /// <summary>Blocks that no walk types: the page, how the block begins, and who executes it instead, or why nobody does.</summary>
    private static readonly (string Page, string Begins, string Why)[] Elsewhere =
    [
        ("README.md", "bash build/test.sh", "it is what runs this"),
        ("README.md", "{\n  \"GreenSupervisor\"", Settings),
        ("README.md", "bash samples/NginxProxy/run.sh", ByItsSample),
        ("CONTRIBUTING.md", "dotnet build test/KestrelGreenTransport.Tests", "builds and installs from a feed: ManualTests has its projects"),
        ("CONTRIBUTING.md", "dotnet run -c Release --project test/LoadGenerator", "LoadGeneratorTests runs the program"),
        ("CONTRIBUTING.md", "dotnet dotnet-trace", "needs a tool from a feed"),
        ("CONTRIBUTING.md", "perf record", "needs rights that a test may not have"),
        ("CONTRIBUTING.md", "bash build/test.sh --quick", "it is what runs this"),
        ("CONTRIBUTING.md", "bash build/test.sh --filter", "it is what runs this"),
        ("CONTRIBUTING.md", "bash build/test.sh\n", "it is what runs this"),
        ("CONTRIBUTING.md", "bash build/test.sh --arm64", Script),
        ("CONTRIBUTING.md", "bash build/flakes.sh", Script),
        ("CONTRIBUTING.md", "build/soak.sh", Script),
        ("CONTRIBUTING.md", "build/faults.sh", Script),
        ("CONTRIBUTING.md", "build/fuzz.sh", Script),
        ("docs/benchmarks.md", "bash build/bench.sh", Script),
        ("docs/benchmarks.md", "dotnet run -c Release --project test/Benchmarks/Micro", "takes minutes: ManualTests has its project"),
        ("docs/benchmarks.md", "bash build/bench-supervisor.sh", Script),
        ("docs/configuration.md", "@host", "WarmUpFileTests reads it"),
        ("docs/configuration.md", "green: Workers", "DocumentationTests compares it with what is said"),
        ("docs/configuration.md", "{\n  \"Workers\"", Settings),
        ("docs/deployment.md", "# /etc/systemd/system/shop.service", "DeploymentSampleTests has systemd verify it"),
        ("docs/from-gunicorn.md", "gunicorn -w 4", "ManualWalkTests types the line of green, and not that of gunicorn"),
        ("docs/getting-started.md", "{\n  \"GreenSupervisor\"", Settings),
        ("docs/getting-started.md", "green run --watch", "WatchTests runs it, and saves what it builds"),
        ("docs/observability.md", "{\n  \"schemaVersion\"", "ObservabilityPageTests compares it with what green status prints"),
        ("docs/observability.md", "scrape_configs", "ObservabilityPageTests reads it and asks what it names"),
        ("docs/observability.md", "{\"at\"", "ObservabilityPageTests compares it with what the log has"),
        ("docs/reliability.md", "build/soak.sh", Script),
        ("docs/reliability.md", "build/faults.sh", Script),
        ("docs/reliability.md", "build/fuzz.sh", Script),
        ("docs/worker-contract.md", "# beat.sh", ContractPage),
        ("docs/worker-contract.md", "#!/usr/bin/env bash\n# supervise.sh", ContractPage),
        ("docs/worker-contract.md", "# bind.py", ContractPage),
        ("docs/worker-contract.md", "# supervise.py", ContractPage),
        ("samples/Container/README.md", "docker build", "needs Docker: DeploymentSampleTests runs the image's steps, and compares this with the Dockerfile"),
        ("samples/Grpc/README.md", "dotnet run", ByItsSample),
        ("samples/Https/README.md", "cd samples/Https", ByItsSample),
        ("samples/Https/README.md", "bash renew.sh", ByItsSample),
        ("samples/Kubernetes/README.md", "kubectl", Cluster),
        ("samples/NginxProxy/README.md", "bash samples/NginxProxy/run.sh", ByItsSample),
        ("samples/OpenTelemetry/README.md", "dotnet run", ByItsSample),
        ("samples/SeveralHosts/README.md", "sudo bash samples/SeveralHosts/run.sh", ByItsSample),
        ("samples/SeveralHosts/README.md", "sudo green reload", ByItsSample),
        ("samples/SignalRChat/README.md", "dotnet run", ByItsSample),
        ("samples/SignalRChat/README.md", "Ann, in worker 1", ByItsSample),
        ("samples/SignalRChat/README.md", "HTTP/1.1 404", ByItsSample),
        ("samples/Systemd/README.md", "dotnet tool install", "needs systemd as process 1: DeploymentSampleTests has the unit verified, PackageTests the tool installed"),
        ("samples/WorkerContract/README.md", "bash samples/WorkerContract/two-workers.sh", ByItsSample),
        ("src/KestrelGreenTransport.Supervisor/README.md", "dotnet run -- --workers", "as on docs/getting-started.md, which is walked through"),
        ("src/KestrelGreenTransport.Tool/README.md", "dotnet tool install", "PackageTests installs the tool; the rest stands in README.md, which is walked through"),
    ];

    private static readonly HashSet<string> Walked =
        [.. typeof(ManualCoverageTests).Assembly.GetTypes().SelectMany(static type => type.GetMethods()).SelectMany(static method => method.GetCustomAttributes<WalksAttribute>()).Select(static walk => walk.Page)];

    /// <summary>Whether the walk through the block's page has to type it.</summary>
    internal static bool IsWalked(Block block) => block.Language == "console" && !Elsewhere.Any(entry => IsMeant(entry, block));

    [Fact]
    public void Every_block_is_executed_by_a_test_or_listed_with_a_reason() =>
        Assert.Empty(ManualPage.All.SelectMany(ManualPage.Blocks)
            .Where(static block => block.Language is not ("csharp" or "mermaid"))
            .Where(static block => !Elsewhere.Any(entry => IsMeant(entry, block)) && !(IsWalked(block) && Walked.Contains(block.Page)))
            .Select(static block => block.ToString()));

    [Fact]
    public void What_is_listed_is_there() =>
        Assert.All(Elsewhere, static entry => Assert.Single(ManualPage.Blocks(entry.Page), block => IsMeant(entry, block)));

    private static bool IsMeant((string Page, string Begins, string Why) entry, Block block) => block.Page == entry.Page && block.Begins(entry.Begins);
}
