using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Tests.Accepting;

public class PolitenessTests
{
    [Fact]
    public void While_the_one_with_the_fewest_gets_on_nobody_is_taken()
    {
        var politeness = new Politeness(Fewest(10));
        for (var fewest = 11; fewest < 50; fewest++)
        {
            politeness.OnTick(Fewest(fewest), someoneWaits: true);
            Assert.Equal(0, politeness.MayTake);
        }
    }

    [Fact]
    public void Who_waited_a_tick_beside_siblings_that_stand_still_is_taken()
    {
        var politeness = new Politeness(Fewest(10));
        politeness.OnTick(Fewest(10), someoneWaits: true);
        Assert.Equal(1, politeness.MayTake);
    }

    [Fact]
    public void A_sibling_that_only_loses_connections_does_not_get_on()
    {
        var politeness = new Politeness(Fewest(10));
        politeness.OnTick(Fewest(9), someoneWaits: true);
        Assert.Equal(1, politeness.MayTake);
    }

    [Fact]
    public void All_are_taken_when_nobody_has_got_on_for_long()
    {
        var politeness = new Politeness(Fewest(0));
        for (var tick = 1; tick < Politeness.Patience; tick++)
        {
            politeness.OnTick(Fewest(0), someoneWaits: true);
            Assert.Equal(1, politeness.MayTake);
        }

        politeness.OnTick(Fewest(0), someoneWaits: true);
        Assert.Equal(long.MaxValue, politeness.MayTake);
        politeness.OnTick(Fewest(1), someoneWaits: true);
        Assert.Equal(0, politeness.MayTake);
    }

    [Fact]
    public void An_empty_line_has_moved()
    {
        var politeness = new Politeness(Fewest(0));
        for (var tick = 0; tick < 2 * Politeness.Patience; tick++)
        {
            politeness.OnTick(Fewest(0), someoneWaits: false);
        }

        politeness.OnTick(Fewest(0), someoneWaits: true);
        Assert.Equal(1, politeness.MayTake);
    }

    private static SiblingFigures Fewest(long fewest) => new(3, 400, fewest);
}
