using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Draining;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Draining;

public class DrainPlanTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_connection_that_was_used_just_now_gets_its_linger()
    {
        var usedAt = _time.GetTimestamp();
        var plan = new DrainPlan(_time, TimeSpan.FromSeconds(30));
        _time.Advance(DrainPlan.Linger - TimeSpan.FromMilliseconds(1));
        Assert.Empty(plan.Choose([usedAt], static at => at, NeverRested));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([usedAt], plan.Choose([usedAt], static at => at, NeverRested));
    }

    [Fact]
    public void The_oldest_go_first_in_equal_parts_over_the_linger()
    {
        var idle = new List<long>();
        for (var i = 0; i < 1000; i++)
        {
            idle.Add(_time.GetTimestamp());
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        _time.Advance(DrainPlan.Linger);
        var plan = new DrainPlan(_time, TimeSpan.FromSeconds(30));
        var ended = new List<long>();
        var passes = 0;
        while (idle.Count != 0)
        {
            var chosen = plan.Choose(idle.OrderByDescending(static at => at), static at => at, NeverRested);
            Assert.InRange(chosen.Count, 1, 11);
            ended.AddRange(chosen);
            idle.RemoveAll(chosen.Contains);
            passes++;
            _time.Advance(DrainPlan.Tick);
        }

        Assert.Equal(1000, ended.Count);
        Assert.Equal(ended.Order(), ended);
        Assert.InRange(passes, 90, 101);
    }

    [Fact]
    public void After_the_linger_nobody_waits_for_a_turn()
    {
        var usedAt = _time.GetTimestamp();
        var plan = new DrainPlan(_time, TimeSpan.FromSeconds(30));
        _time.Advance(DrainPlan.Linger);
        Assert.Equal(500, plan.Choose(Enumerable.Repeat(usedAt, 500), static at => at, NeverRested).Count);
    }

    [Fact]
    public void A_single_idle_connection_goes_at_once()
    {
        var usedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(new DrainPlan(_time, TimeSpan.FromSeconds(30)).Choose([usedAt], static at => at, NeverRested));
    }

    [Theory]
    [InlineData(0.2, 30, 1)]
    [InlineData(1.4, 30, 2.8)]
    [InlineData(60, 30, 3)]
    [InlineData(60, 4, 2)]
    [InlineData(60, 1, 1)]
    public void A_client_that_comes_back_now_and_then_is_given_twice_the_time(double longestRest, double limit, double linger)
    {
        var usedAt = _time.GetTimestamp();
        var plan = new DrainPlan(_time, TimeSpan.FromSeconds(limit));
        _time.Advance(TimeSpan.FromSeconds(linger) - TimeSpan.FromMilliseconds(1));
        Assert.Empty(plan.Choose([usedAt], static at => at, _ => TimeSpan.FromSeconds(longestRest)));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([usedAt], plan.Choose([usedAt], static at => at, _ => TimeSpan.FromSeconds(longestRest)));
    }

    [Fact]
    public void A_connection_remembers_the_longest_rest_between_its_requests()
    {
        var activity = new ConnectionActivity(null!, _time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var request = new HttpRequestFeature { Protocol = "HTTP/1.1" };
        foreach (var rest in new[] { 60, 2, 5, 3 })
        {
            // The first pause does not count as a rest: no request came before it.
            _time.Advance(TimeSpan.FromSeconds(rest));
            activity.Begin(request, new FeatureCollection());
            _time.Advance(TimeSpan.FromSeconds(100));
            activity.End(request);
        }

        Assert.Equal(TimeSpan.FromSeconds(5), activity.LongestRest);
    }

    [Fact]
    public void A_client_that_has_asked_for_nothing_yet_is_given_the_longest_time_to_do_so()
    {
        var acceptedAt = _time.GetTimestamp();
        var activity = new ConnectionActivity(null!, _time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var plan = new DrainPlan(_time, TimeSpan.FromSeconds(30));
        _time.Advance(DrainPlan.LongestLinger - TimeSpan.FromMilliseconds(1));
        Assert.Empty(plan.Choose([acceptedAt], static at => at, _ => activity.LongestRest));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([acceptedAt], plan.Choose([acceptedAt], static at => at, _ => activity.LongestRest));

        activity.Begin(new HttpRequestFeature { Protocol = "HTTP/1.1" }, new FeatureCollection());
        Assert.Equal(TimeSpan.Zero, activity.LongestRest);
    }

    private static TimeSpan? NeverRested(long connection) => TimeSpan.Zero;
}
