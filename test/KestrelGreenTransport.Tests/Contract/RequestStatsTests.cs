using System.Diagnostics.Metrics;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Requests;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests.Contract;

public sealed class RequestStatsTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.0001, 0)]
    [InlineData(0.00011, 1)]
    [InlineData(0.001, 10)]
    [InlineData(0.25, 34)]
    [InlineData(100, 60)]
    [InlineData(101, 61)]
    public void A_duration_has_the_first_bucket_whose_bound_it_does_not_exceed(double seconds, int bucket)
    {
        Assert.Equal(bucket, RequestStats.BucketOf(seconds));
        Assert.Equal(62, RequestStats.None.Buckets.Length);
        Assert.True(bucket == 61 || seconds <= RequestStats.UpperBounds[bucket]);
    }

    [Fact]
    public void A_percentile_of_two_workers_comes_from_their_buckets_together()
    {
        // 90 fast requests in one, 10 slow ones in the other: the median of both is fast, and not an average of two medians.
        var both = Of(Enumerable.Repeat(0.001, 90)) + Of(Enumerable.Repeat(1.0, 10));

        Assert.InRange(both.Quantile(0.5)!.Value, 0.0008, 0.001);
        Assert.InRange(both.Quantile(0.99)!.Value, 0.8, 1.0);
        Assert.Equal(10, (both - Of(Enumerable.Repeat(0.001, 90))).Count);
        Assert.Null(RequestStats.None.Quantile(0.5));
        Assert.Equal(100, Of([200]).Quantile(0.5));
    }

    [Fact]
    public void Percentiles_are_right_within_a_quarter()
    {
        var random = new Random(1);
        var durations = Enumerable.Range(0, 10_000).Select(_ => Math.Exp((random.NextDouble() * 10) - 8)).Order().ToList();
        var stats = Of(durations);

        foreach (var share in new[] { 0.01, 0.5, 0.9, 0.99 })
        {
            var exact = durations[(int)(share * durations.Count) - 1];
            Assert.InRange(stats.Quantile(share)!.Value, exact / 1.3, exact * 1.3);
        }
    }

    [Fact]
    public void It_survives_the_lifeline_and_a_message_of_another_shape_does_not()
    {
        var stats = Of([0.001, 0.5, 3]) with { Failed = 2 };

        Assert.True(LifelineMessage.TryParse(LifelineMessage.Of(stats).ToUtf8(), out var message));
        var back = message.ToStats()!;
        Assert.Equal((3, 2, stats.Nanoseconds), (back.Count, back.Failed, back.Nanoseconds));
        Assert.Equal(stats.Buckets, back.Buckets);
        Assert.Null((message with { Buckets = [1, 2] }).ToStats());
        Assert.Null((message with { Requests = -1 }).ToStats());
        Assert.Null(new LifelineMessage { Type = LifelineTypes.Ready }.ToStats());
    }

    [Fact]
    public void Only_the_measurements_of_this_host_are_taken()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var others = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var durations = new RequestDurations(services.GetRequiredService<IMeterFactory>());
        var ours = Histogram(services);
        var theirs = Histogram(others);

        ours.Record(0.002, new KeyValuePair<string, object?>("url.scheme", "http"), new KeyValuePair<string, object?>("http.response.status_code", 200));
        ours.Record(0.004, new KeyValuePair<string, object?>("http.response.status_code", 503));
        theirs.Record(1, new KeyValuePair<string, object?>("http.response.status_code", 500));

        var stats = durations.Read();
        Assert.Equal((2, 1), (stats.Count, stats.Failed));
        Assert.InRange(stats.Nanoseconds, 5_999_000, 6_001_000);
        Assert.Equal(1, stats.Buckets[RequestStats.BucketOf(0.004)]);
    }

    private static Histogram<double> Histogram(IServiceProvider services) =>
        services.GetRequiredService<IMeterFactory>().Create("Microsoft.AspNetCore.Hosting").CreateHistogram<double>("http.server.request.duration");

    private static RequestStats Of(IEnumerable<double> durations)
    {
        var buckets = new long[RequestStats.None.Buckets.Length];
        var (count, nanoseconds) = (0, 0L);
        foreach (var seconds in durations)
        {
            buckets[RequestStats.BucketOf(seconds)]++;
            count++;
            nanoseconds += (long)(seconds * 1e9);
        }

        return new RequestStats(count, 0, nanoseconds, [.. buckets]);
    }
}
