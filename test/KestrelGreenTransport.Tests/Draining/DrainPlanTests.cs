using KestrelGreenTransport.Draining;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Draining;

public class DrainPlanTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_connection_that_was_used_just_now_gets_its_linger()
    {
        var usedAt = _time.GetTimestamp();
        var plan = new DrainPlan(_time);
        _time.Advance(DrainPlan.Linger - TimeSpan.FromMilliseconds(1));
        Assert.Empty(plan.Choose([usedAt], static at => at));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([usedAt], plan.Choose([usedAt], static at => at));
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
        var plan = new DrainPlan(_time);
        var ended = new List<long>();
        var passes = 0;
        while (idle.Count != 0)
        {
            var chosen = plan.Choose(idle.OrderByDescending(static at => at), static at => at);
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
        var plan = new DrainPlan(_time);
        _time.Advance(DrainPlan.Linger);
        Assert.Equal(500, plan.Choose(Enumerable.Repeat(usedAt, 500), static at => at).Count);
    }

    [Fact]
    public void A_single_idle_connection_goes_at_once()
    {
        var usedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(new DrainPlan(_time).Choose([usedAt], static at => at));
    }
}
