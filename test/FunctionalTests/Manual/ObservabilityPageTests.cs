using System.Text.Json;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;
using YamlDotNet.RepresentationModel;

namespace FunctionalTests.Manual;

/// <summary>docs/observability.md, typed exactly: the properties, paths and metrics that it shows are all that exist.</summary>
public sealed partial class ObservabilityPageTests
{
    [Fact]
    [Walks("docs/observability.md")]
    public async Task Every_command_of_the_page_and_what_it_shows()
    {
        using var port = new FreePort();
        var admin = $"127.0.0.1:{port.Release()}";
        await using var reader = new Reader("shop", ("GREEN_NAME", "shop"), ("GREEN_BIND", "127.0.0.1:0"), ("GREEN_WORKERS", "1"), ("GREEN_HEARTBEAT_INTERVAL", "100ms"));
        reader.Here("./Shop.dll", Repo.TestWorker);
        reader.Here("127.0.0.1:9090", admin);
        reader.Here("/etc/shop", Directory.CreateDirectory(reader.File("etc")).FullName);
        reader.Here("/var/log/shop", Directory.CreateDirectory(reader.File("log")).FullName);
        reader.Here("-w 4", "-w 2");
        reader.Program("logger", $"echo \"$@\" >> {reader.File("log/system")}");
        await File.WriteAllTextAsync(reader.File("etc/admin-token"), "a-token-of-the-test");
        var page = new PageWalk("docs/observability.md", reader);

        await page.Type("green run --admin");
        await reader.Serving(1);
        await (await reader.Target()).Get("/pid");
        await AsksWhatItNames(admin);
        await reader.Type("green stop");
        await reader.Ended();

        await page.Type("green run -w 4 --hook");
        var victim = (await reader.Serving(2)).Workers[1];
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await Eventually.True("the hook has told it", () => Regex.IsMatch(File.ReadAllText(reader.File("log/system")), "^worker 2: crash \n$"));
        await reader.StatusWhen("another one serves", status => status.State == SupervisorPhase.Running && status.Workers.All(worker => worker.State == WorkerPhase.Serving && worker.Pid != victim.Pid));
        var shown = JsonDocument.Parse(ManualPage.Block("docs/observability.md", "{\n  \"schemaVersion\"").Text).RootElement;
        var printed = JsonDocument.Parse(await page.Say("green status --json")).RootElement;
        Assert.Equal(Names(shown), Names(printed));
        Assert.Equal(
            Names(shown.GetProperty("workers")[0]),
            Names(printed.GetProperty("workers").EnumerateArray().First(static worker => worker.GetProperty("lastExit").ValueKind == JsonValueKind.Object)));
        Assert.Contains("crash", await page.Say("green status 2"), StringComparison.Ordinal);
        Assert.Contains("Main", await page.Say("green dump 2"), StringComparison.Ordinal);
        Assert.Contains("\"event\":\"WorkerDied\"", await page.Say("green logs --json"), StringComparison.Ordinal);
        await page.Say("green logs 2 -f");
        await reader.Running.Line("worker 2");
        await reader.PressControlC(code: 130);
        await page.Say("green drain N", "green drain 1");
        await reader.Serving(2);
        await reader.Type("green stop");
        await reader.Ended();

        var accessLogs = page.StepThrough("green run --access-log /var");
        await accessLogs.Next("green run --access-log /var/log/shop/access.log");
        await reader.Serving(1);
        await (await reader.Target()).Get("/pid");
        await Eventually.True("it is in the log", () => Regex.IsMatch(File.ReadAllText(reader.File("log/access.log")), "^127.0.0.1 - - \\[.*] \"GET /pid HTTP/1.1\" 200 "));
        await page.Say("postrotate kill -USR1 …", $"mv {reader.File("log/access.log")} {reader.File("log/access.log.1")}; kill -USR1 {reader.Running.Pid}");
        await Eventually.True("it is opened anew", () => File.Exists(reader.File("log/access.log")));
        await reader.Type("green stop");
        await reader.Ended();

        await reader.Type("export GREEN_LOG_FORMAT=json");
        await accessLogs.Next("green run --access-log -");
        accessLogs.End();
        await reader.Serving(1);
        var target = await reader.Target();
        await target.Get("/print?lines=1&text=something");
        var lines = (await reader.Running.Lines("\"(stream|event)\":\"(WorkerReady|stdout|access)\"", 3)).ConvertAll(static line => JsonDocument.Parse(line).RootElement);
        var examples = ManualPage.Block("docs/observability.md", "{\"at\"").Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(Names(examples[0]), Names(Assert.Single(lines, static line => line.TryGetProperty("event", out _))));
        Assert.Equal(Names(examples[1]), Names(Assert.Single(lines, static line => Text(line, "stream") == "stdout")));
        var example = JsonDocument.Parse(Assert.Single(ManualPage.Spans("docs/observability.md"), static span => span.StartsWith("{\"at\":", StringComparison.Ordinal) && span.Contains("durationMs", StringComparison.Ordinal))).RootElement;
        var entry = Assert.Single(lines, static line => Text(line, "stream") == "access").GetProperty("entry");
        Assert.Subset(Names(example).ToHashSet(), Names(entry).ToHashSet());
        Assert.Equal("/print", Text(entry, "path"));
        await reader.Type("green stop");
        await reader.Ended();
        page.End();

        static string? Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString() : null;
    }

    [Fact]
    public void Every_instrument_activity_and_tag_that_is_made_is_on_the_page_and_no_other() =>
        Assert.Equal(
            Directory.EnumerateFiles(Repo.Path("src"), "*.cs", SearchOption.AllDirectories)
                .SelectMany(static file => Telemetry().Matches(File.ReadAllText(file)))
                .Select(static literal => literal.Groups[1].Value).Distinct().Order(StringComparer.Ordinal),
            ManualPage.Spans("docs/observability.md")
                .Where(static span => Telemetry().IsMatch($"\"{span}\"")).Distinct().Order(StringComparer.Ordinal));

    /// <summary>The page's Prometheus configuration points to the endpoint, whose paths and metrics are exactly those of the page.</summary>
    private static async Task AsksWhatItNames(string admin)
    {
        var text = ManualPage.Text("docs/observability.md");
        var configuration = new YamlStream();
        configuration.Load(new StringReader(ManualPage.Block("docs/observability.md", "scrape_configs").Text));
        var job = Assert.Single(((YamlSequenceNode)configuration.Documents[0].RootNode["scrape_configs"]).Children);
        var target = (YamlScalarNode)job["static_configs"][0]["targets"][0];
        Assert.Contains($"--admin {target.Value} ", text, StringComparison.Ordinal);

        using var client = new HttpClient { BaseAddress = new Uri($"http://{admin}") };
        var paths = PathRow().Matches(text).Select(static row => row.Groups[1].Value).ToList();
        Assert.Contains("/metrics", paths);
        foreach (var path in paths)
        {
            using var answer = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            Assert.True(answer.IsSuccessStatusCode, $"{path} answers {answer.StatusCode}");
        }

        var exposed = await client.GetStringAsync("/metrics");
        var rows = MetricRow().Matches(text).SelectMany(static row => Name().Matches(row.Groups[1].Value).Select(metric => (Metric: metric.Value, Labels: row.Groups[2].Value))).ToList();
        Assert.Equal(
            Type().Matches(exposed).Select(static type => type.Groups[1].Value).Order(StringComparer.Ordinal),
            rows.Select(static row => row.Metric).Order(StringComparer.Ordinal));
        foreach (var (metric, labels) in rows)
        {
            var series = Regex.Matches(exposed, $@"(?m)^{metric}(?:_bucket)?(?:{{(.*)}})? [0-9]").ToList();
            Assert.NotEmpty(series);
            Assert.Equal(
                Name().Matches(labels).Select(static label => label.Value).Order(StringComparer.Ordinal),
                series.SelectMany(static one => Label().Matches(one.Groups[1].Value)).Select(static label => label.Groups[1].Value).Where(static label => label != "le").Distinct().Order(StringComparer.Ordinal));
        }
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(static property => property.Name);

    [GeneratedRegex("\"(green(?:\\.[a-z_]+)+(?<!json))\"")]
    private static partial Regex Telemetry();

    [GeneratedRegex(@"^\| `(/\w*)` \|", RegexOptions.Multiline)]
    private static partial Regex PathRow();

    [GeneratedRegex(@"^\| (`green_[^|]*)\|([^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex MetricRow();

    [GeneratedRegex("[a-z_]+")]
    private static partial Regex Name();

    [GeneratedRegex("^# TYPE ([a-z_]+) ", RegexOptions.Multiline)]
    private static partial Regex Type();

    [GeneratedRegex("([a-z_]+)=\"")]
    private static partial Regex Label();
}
