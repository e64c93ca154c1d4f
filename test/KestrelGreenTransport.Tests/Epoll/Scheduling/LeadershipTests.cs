using KestrelGreenTransport.Epoll.Scheduling;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

public class LeadershipTests
{
    [Fact]
    public void A_leader_whose_app_returns_in_time_leads_on()
    {
        var leadership = new Leadership();
        var ticket = leadership.BeginBusy();
        Assert.True(Leadership.IsBusy(leadership.Word));
        Assert.True(leadership.TryEnd(ticket));
        Assert.False(Leadership.IsBusy(leadership.Word));
    }

    [Fact]
    public void A_taken_loop_no_longer_reads_as_busy_and_is_lost_to_its_leader()
    {
        // There was a bug: the word still read as busy after the loop was taken, two leaders ran at once, and events seemed lost.
        var leadership = new Leadership();
        var ticket = leadership.BeginBusy();
        Assert.True(leadership.TryTake(ticket));
        Assert.False(Leadership.IsBusy(leadership.Word));
        Assert.False(leadership.TryTake(leadership.Word) && Leadership.IsBusy(leadership.Word));
        Assert.False(leadership.TryEnd(ticket));
    }

    [Fact]
    public void The_loser_does_not_mistake_the_next_leaders_event_for_its_own()
    {
        var leadership = new Leadership();
        var lost = leadership.BeginBusy();
        Assert.True(leadership.TryTake(lost));
        var next = leadership.BeginBusy();
        Assert.False(leadership.TryEnd(lost));
        Assert.False(leadership.TryTake(lost));
        Assert.True(leadership.TryEnd(next));
    }

    [Fact]
    public void An_offer_is_taken_once_and_only_while_it_stands()
    {
        var leadership = new Leadership();
        Assert.False(leadership.TryTakeOffer());
        var ticket = leadership.BeginOffered();
        Assert.True(leadership.TryTakeOffer());
        Assert.False(leadership.TryTakeOffer());
        Assert.False(leadership.TryEnd(ticket));
        ticket = leadership.BeginOffered();
        Assert.True(leadership.TryEnd(ticket));
        Assert.False(leadership.TryTakeOffer());
    }

    [Fact]
    public async Task Of_a_leader_and_many_takers_exactly_one_has_each_event()
    {
        var leadership = new Leadership();
        const int Events = 20_000;
        var winners = 0;
        long offered = 0;
        var takers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (Volatile.Read(ref offered) >= 0)
            {
                var seen = leadership.Word;
                if (Leadership.IsBusy(seen) && leadership.TryTake(seen))
                {
                    Interlocked.Increment(ref winners);
                }
            }
        })).ToArray();
        var kept = 0;
        for (var i = 0; i < Events; i++)
        {
            var ticket = leadership.BeginBusy();
            if (i % 3 == 0)
            {
                Thread.Yield();
            }

            kept += leadership.TryEnd(ticket) ? 1 : 0;
        }

        Volatile.Write(ref offered, -1);
        await Wait.ForAsync(Task.WhenAll(takers));
        Assert.Equal(Events, kept + winners);
    }
}
