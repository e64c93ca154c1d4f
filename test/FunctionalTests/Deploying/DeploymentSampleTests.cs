using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;
using FunctionalTests.Manual;
using KestrelGreenTransport.Contract;
using YamlDotNet.RepresentationModel;

namespace FunctionalTests.Deploying;

/// <summary>samples/Systemd, samples/Container and samples/Kubernetes, as far as they can be tested on a machine without those.</summary>
public sealed partial class DeploymentSampleTests
{
    // The user id that Microsoft's images use for the app.
    private const int AppUid = 1654;

    [Fact]
    public async Task Systemd_understands_the_units_and_that_of_the_manual_and_rates_them_as_safe()
    {
        using var folder = new TemporaryFolder();
        await using var version = await ChildProgram.Run("systemd-analyze", ["--version"]);
        var hasNotifyReload = int.Parse(Number().Match(version.Output).Value, CultureInfo.InvariantCulture) >= 253;
        string Here(string unit) => unit.Replace("/usr/bin/green", "/bin/true", StringComparison.Ordinal)
            .Replace("notify-reload", hasNotifyReload ? "notify-reload" : "notify", StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder.File("shop.service"), Here(await File.ReadAllTextAsync(Repo.Path("samples/Systemd/shop.service"))));
        var least = ManualPage.Block("docs/deployment.md", "# /etc/systemd/system/shop.service").Text;
        await File.WriteAllTextAsync(folder.File("shop-least.service"), Here(least));
        File.Copy(Repo.Path("samples/Systemd/shop.socket"), folder.File("shop.socket"));

        await using var verify = await ChildProgram.Run("systemd-analyze", ["verify", folder.File("shop.service"), folder.File("shop.socket"), folder.File("shop-least.service")]);
        Assert.Equal(0, await verify.Exit());
        Assert.DoesNotContain("shop", verify.Output, StringComparison.Ordinal);

        // The sample has every line of the manual's unit, and more; its program is below the link that a deploy switches.
        Assert.Subset(
            (await File.ReadAllLinesAsync(Repo.Path("samples/Systemd/shop.service"))).Select(static line => line.Replace("/current/", "/", StringComparison.Ordinal)).ToHashSet(),
            least.Split('\n').ToHashSet());

        await using var security = await ChildProgram.Run("systemd-analyze", ["security", "--offline=true", folder.File("shop.service")]);
        var exposure = Exposure().Match(security.Output);
        Assert.True(exposure.Success, security.Output);
        Assert.Equal("1.7", exposure.Groups[1].Value);
        Assert.Contains("rates its exposure 1.7", await File.ReadAllTextAsync(Repo.Path("samples/Systemd/README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_image_serves_as_the_first_process_without_rights_and_knows_its_health()
    {
        var steps = (await File.ReadAllTextAsync(Repo.Path("samples/Container/Dockerfile"))).Replace("\\\n", "", StringComparison.Ordinal).Split('\n');
        Assert.True(Directory.Exists(Repo.Path(Step(steps, "RUN").Split(' ')[2])));
        Assert.Equal("$APP_UID", Step(steps, "USER"));
        Assert.Equal(
            ManualPage.Block("samples/Container/README.md", "docker build").Commands.Select(static typed => typed.Command),
            steps.Where(static line => line.StartsWith("#   ", StringComparison.Ordinal)).Select(static line => line[4..]));
        using var folder = new TemporaryFolder();
        using var port = new FreePort();
        using var adminPort = new FreePort();
        var (http, admin) = ($"127.0.0.1:{port.Release()}", $"127.0.0.1:{adminPort.Release()}");
        string Here(string text) => text.Replace("0.0.0.0:8080", http, StringComparison.Ordinal).Replace("127.0.0.1:9090", admin, StringComparison.Ordinal).Replace("/127.0.0.1/9090", $"/{admin.Replace(':', '/')}", StringComparison.Ordinal);
        var environment = steps.Where(static step => step.StartsWith("ENV ", StringComparison.Ordinal))
            .Select(step => Here(step[4..]).Split('=', 2))
            .Select(static pair => KeyValuePair.Create(pair[0], (string?)pair[1]))
            .ToList();
        environment.Add(new("RUNTIME_DIRECTORY", folder.File("run")));
        environment.Add(new("GREEN_NAME", "image"));

        // Every user may read the image's own folder, and its user may write only to one for temporary files.
        var app = Directory.CreateDirectory(folder.File("app")).FullName;
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(Repo.Hello)!))
        {
            File.Copy(file, Path.Combine(app, Path.GetFileName(file)));
        }

        // As Docker mounts it.
        Directory.CreateDirectory(folder.File("run"));
        File.SetUnixFileMode(folder.File("run"), (UnixFileMode)0b1_111_111_111);
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        string[] entryPoint = JsonSerializer.Deserialize<string[]>(Step(steps, "ENTRYPOINT"))!;
        await using var container = ChildProgram.Start(
            "unshare",
            ["--pid", "--fork", "--kill-child", "--mount-proc", "setpriv", $"--reuid={AppUid}", $"--regid={AppUid}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", .. entryPoint],
            environment,
            app);
        var status = await Eventually.Get(
            "two workers serve",
            () => ControlClient.Status(folder.File("run/image.sock")),
            static status => status.Workers.Count(static worker => worker.State == WorkerPhase.Serving) == 2,
            container.Describe);
        Assert.Equal($"tcp://{http}", Assert.Single(status.Listeners).Endpoint);
        var first = Assert.Single(Kernel.ChildrenOf(container.Pid));
        Assert.Contains($"Uid:\t{AppUid}\t", await File.ReadAllTextAsync($"/proc/{first}/status"), StringComparison.Ordinal);

        var health = JsonSerializer.Deserialize<string[]>(HealthCommand().Match(Step(steps, "HEALTHCHECK")).Groups[1].Value)!.Select(Here).ToArray();
        await using (var healthy = await ChildProgram.Run(health[0], health[1..]))
        {
            Assert.True(await healthy.Exit() == 0, healthy.Output);
        }

        // docker stop sends TERM to the first process.
        Kernel.Signal(first, Kernel.SIGTERM);
        Assert.Equal(0, await container.Exit());
        await using var sick = await ChildProgram.Run(health[0], health[1..]);
        Assert.NotEqual(0, await sick.Exit());
    }

    [Fact]
    public async Task What_Kubernetes_is_told_fits_the_drain_and_names_what_exists()
    {
        var documents = new YamlStream();
        using (var reader = File.OpenText(Repo.Path("samples/Kubernetes/shop.yaml")))
        {
            documents.Load(reader);
        }

        Assert.Equal(
            ["Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"],
            documents.Documents.Select(static document => Text(document.RootNode, "kind")));
        var pod = At(documents.Documents[0].RootNode, "spec", "template", "spec");
        var container = Assert.Single(((YamlSequenceNode)At(pod, "containers")).Children);
        var variables = ((YamlSequenceNode)At(container, "env")).Children.ToDictionary(static one => Text(one, "name"), static one => one);

        // The settings are in the catalogue, and their values are valid.
        await using var check = await ChildProgram.Run(
            "dotnet",
            [Repo.Green, "config", "--json"],
            variables.Select(static one => KeyValuePair.Create(one.Key, (string?)(one.Key == "GREEN_ADMIN_TOKEN" ? new string('t', 32) : Text(one.Value, "value")))));
        Assert.True(await check.Exit() == 0, check.Output);

        Assert.True(Duration.TryParse(Text(variables["GREEN_GRACEFUL_TIMEOUT"], "value"), out var graceful));
        var preStop = Seconds(container, "lifecycle", "preStop", "sleep", "seconds");
        Assert.True(Seconds(pod, "terminationGracePeriodSeconds") >= preStop + graceful.TotalSeconds + 10);
        Assert.True(Seconds(container, "startupProbe", "periodSeconds") * Seconds(container, "startupProbe", "failureThreshold") >= 60);

        Assert.Equal("/readyz", Text(container, "startupProbe", "httpGet", "path"));
        Assert.Equal("/readyz", Text(container, "readinessProbe", "httpGet", "path"));
        Assert.Equal("/healthz", Text(container, "livenessProbe", "httpGet", "path"));
        var ports = ((YamlSequenceNode)At(container, "ports")).Children.ToDictionary(static one => Text(one, "name"), static one => Text(one, "containerPort"));
        Assert.EndsWith($":{ports["http"]}", Text(variables["GREEN_BIND"], "value"), StringComparison.Ordinal);
        Assert.EndsWith($":{ports["admin"]}", Text(variables["GREEN_ADMIN"], "value"), StringComparison.Ordinal);
    }

    private static string Step(string[] steps, string instruction) =>
        steps.Last(step => step.StartsWith($"{instruction} ", StringComparison.Ordinal))[(instruction.Length + 1)..];

    private static YamlNode At(YamlNode node, params string[] path) => path.Aggregate(node, static (inner, key) => inner[key]);

    private static string Text(YamlNode node, params string[] path) => ((YamlScalarNode)At(node, path)).Value!;

    private static int Seconds(YamlNode node, params string[] path) => int.Parse(Text(node, path), CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();

    [GeneratedRegex(@"Overall exposure level for shop.service: ([0-9.]+)")]
    private static partial Regex Exposure();

    [GeneratedRegex(@"CMD (\[.*\])$")]
    private static partial Regex HealthCommand();
}
