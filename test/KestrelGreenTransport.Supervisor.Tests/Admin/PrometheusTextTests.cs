using System.Globalization;
using System.Text.RegularExpressions;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Admin;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Tests.Control;

namespace KestrelGreenTransport.Supervisor.Tests.Admin;

public sealed partial class PrometheusTextTests
{
    private static readonly RequestStats Stats = RequestStats.None with
    {
        Count = 6,
        Failed = 1,
        Nanoseconds = 2_500_000_000,
        Buckets = RequestStats.None.Buckets
            .SetItem(RequestStats.BucketOf(0.0003), 2).SetItem(RequestStats.BucketOf(0.004), 3).SetItem(RequestStats.BucketOf(60), 1),
    };

    private static readonly Figures Figures = new()
    {
        At = 1,
        Status = SampleStatus.Document with
        {
            Listeners = [new ListenerStatus("unix:/run/\"a\\b\".sock", 2048, 3)],
            Workers = [SampleStatus.Worker(1), SampleStatus.Worker(2, WorkerPhase.Backoff) with { Restarts = 7 }],
        },
        Requests = [WorkerRequests.Of(1, Stats), WorkerRequests.Of(2, Stats)],
    };

    [Fact]
    public void Every_line_is_of_the_text_format_and_every_family_says_what_it_is()
    {
        var families = new Dictionary<string, string>();
        var series = new HashSet<string>();
        foreach (var line in PrometheusText.Of(Figures).TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ');
                Assert.Contains(parts[3], (string[])["gauge", "counter", "histogram"]);
                Assert.True(families.TryAdd(parts[2], parts[3]), line);
            }
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var sample = Sample().Match(line);
                Assert.True(sample.Success, line);
                var name = sample.Groups[1].Value;
                var family = families.ContainsKey(name) ? name : HistogramSuffix().Replace(name, "");
                Assert.True(families.TryGetValue(family, out var type), line);
                Assert.True(type != "counter" || name.EndsWith("_total", StringComparison.Ordinal), line);
                Assert.True(series.Add(name + sample.Groups[2].Value), $"twice: {line}");
                Assert.DoesNotContain("4121", line);
            }
        }

        Assert.True(families.Count > 20);
    }

    [Fact]
    public void Histograms_are_cumulative_and_added_up_over_the_workers()
    {
        var lines = PrometheusText.Of(Figures).Split('\n');

        Assert.Contains("green_request_duration_seconds_bucket{le=\"0.0005\"} 4", lines);
        Assert.Contains("green_request_duration_seconds_bucket{le=\"0.0025\"} 4", lines);
        Assert.Contains("green_request_duration_seconds_bucket{le=\"0.005\"} 10", lines);
        Assert.Contains("green_request_duration_seconds_bucket{le=\"10\"} 10", lines);
        Assert.Contains("green_request_duration_seconds_bucket{le=\"+Inf\"} 12", lines);
        Assert.Contains("green_request_duration_seconds_sum 5", lines);
        Assert.Contains("green_request_duration_seconds_count 12", lines);
        Assert.Contains("green_worker_request_duration_seconds_bucket{worker=\"2\",le=\"0.005\"} 5", lines);
        Assert.Contains("green_requests_failed_total 2", lines);
    }

    [Fact]
    public void Labels_are_escaped_and_what_is_unknown_is_left_out()
    {
        var text = PrometheusText.Of(Figures);

        Assert.Contains("""green_listener_queued{endpoint="unix:/run/\"a\\b\".sock"} 3""", text);
        Assert.Contains("green_worker_restarts_total{worker=\"2\"} 7", text);
        Assert.Contains("green_worker_hot{worker=\"1\"} 1", text);
        Assert.Contains("green_worker_compiled_methods_total{worker=\"1\"} 5222", text);
        Assert.Contains("green_worker_warm_up_progress{worker=\"1\"} 1", text);
        Assert.Contains("green_workers{state=\"backoff\"} 1", text);
        Assert.DoesNotContain("green_worker_uptime_seconds{worker=\"2\"}", text);
        Assert.All(
            Sample().Matches(text).Select(static match => match.Groups[3].Value),
            static number => Assert.True(double.TryParse(number, CultureInfo.InvariantCulture, out _), number));
    }

    [GeneratedRegex(@"(?m)^([a-z_]+)((?:\{(?:[a-z]+=""(?:[^""\\\n]|\\[\\""n])*"",?)+\})?) ([0-9.+-]+)$")]
    private static partial Regex Sample();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramSuffix();
}
