using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Tests.Accepting;

public class FairShareTests
{
    [Fact]
    public void Without_siblings_everything_may_be_taken() => Assert.Equal(long.MaxValue, FairShare.Allowance(1000, default, waiting: 0));

    [Theory]
    [InlineData(0, 3, 0, 0, 1)]
    [InlineData(1, 3, 0, 0, 0)]
    [InlineData(1, 1, 1, 0, 1)]
    [InlineData(100, 3, 300, 0, 1)]
    [InlineData(101, 3, 300, 0, 0)]
    [InlineData(60, 3, 300, 0, 31)]
    public void Who_holds_one_more_than_the_mean_has_its_share(long own, int siblings, long theirs, long waiting, long allowance) =>
        Assert.Equal(allowance, FairShare.Allowance(own, new SiblingFigures(siblings, theirs, 0), waiting));

    [Fact]
    public void Those_who_wait_are_shared_too() => Assert.Equal(101, FairShare.Allowance(0, new SiblingFigures(3, 0, 0), waiting: 400));

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Workers_that_are_always_asked_in_the_same_order_end_with_equal_shares(int workers)
    {
        var held = new long[workers];
        for (var i = 0; i < 100 * workers; i++)
        {
            // The kernel's order: the first worker that is awake.
            var taker = Array.FindIndex(held, own => FairShare.Allowance(own, new SiblingFigures(workers - 1, held.Sum() - own, 0), waiting: 1) > 0);
            Assert.NotEqual(-1, taker);
            held[taker]++;
        }

        Assert.True(held.Max() <= 1.15 * held.Min(), string.Join(", ", held));
    }
}
