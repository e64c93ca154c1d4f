using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Tests.Accepting;

public class SlowStartTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    [Fact]
    public void The_share_grows_with_time_and_with_the_pace_and_is_whole_once_it_is_as_fast()
    {
        var start = new SlowStart(Longest);
        Assert.Equal(0.25, start.Share(TimeSpan.Zero, null, 20));
        Assert.Equal(0.4, start.Share(TimeSpan.FromSeconds(2), 100, 20));
        Assert.Equal(0.5, start.Share(TimeSpan.FromSeconds(2.1), 40, 20));
        Assert.Equal(0.5, start.Share(TimeSpan.FromSeconds(2.2), 80, 20));
        Assert.False(start.IsOver);
        Assert.Equal(1, start.Share(TimeSpan.FromSeconds(3), 22, 20));
        Assert.True(start.IsOver);
        Assert.Equal(1, start.Share(TimeSpan.FromSeconds(3), 1000, 20));
    }

    [Fact]
    public void Where_nothing_is_known_of_siblings_there_is_nothing_to_be_slower_than()
    {
        var start = new SlowStart(Longest);
        Assert.Equal(1, start.Share(TimeSpan.Zero, null, null));
        Assert.Equal(0.25, start.Share(TimeSpan.Zero, null, 20));
    }

    [Fact]
    public void Zero_switches_it_off()
    {
        Assert.True(new SlowStart(TimeSpan.Zero).IsOver);
        Assert.Equal(1, new SlowStart(TimeSpan.Zero).Share(TimeSpan.Zero, 1000, 1));
    }

    [Fact]
    public void It_only_ever_grows_and_ends() => Prop.ForAll(Gen.Choose(0, 12_000).Zip(Gen.Choose(1, 1000)).ArrayOf().ToArbitrary(), Gen.Choose(1, 1000).ToArbitrary(), (looks, siblings) =>
    {
        var start = new SlowStart(Longest);
        var before = 0.0;
        foreach (var (at, cost) in looks.OrderBy(static look => look.Item1))
        {
            var share = start.Share(TimeSpan.FromMilliseconds(at), cost < 100 ? null : cost, siblings);
            Assert.InRange(share, Math.Max(before, SlowStart.LeastShare), 1);
            Assert.True(share < 1 || start.IsOver, "the share is whole only when the slow start is over");
            Assert.True(at < 10_000 || start.IsOver, "the slow start ends in time");
            before = share;
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void With_its_ballast_each_comes_to_the_same_shares() => Prop.ForAll(
        Gen.Choose(1, 20).ToArbitrary(), Gen.Choose(0, 2000).ToArbitrary(), Gen.Choose(25, 100).ToArbitrary(), (siblings, each, percent) =>
        {
            var figures = new SiblingFigures(siblings, (long)siblings * each, each);
            var ballast = SlowStart.Ballast(percent / 100.0, figures);

            // The worker accepts until it stands back, by the same rule as every other one.
            var own = 0L;
            while (FairShare.Allowance(own + ballast, figures, waiting: 0) > 0)
            {
                own++;
            }

            Assert.InRange(own, each * percent / 100, (each * percent / 100) + 3);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_only_one_has_no_ballast() => Assert.Equal(0, SlowStart.Ballast(0.25, default));
}
