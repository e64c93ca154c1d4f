using KestrelGreenTransport.Epoll.Scheduling;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

public class LoopOwnershipTests
{
    [Fact]
    public void A_leader_whose_app_returns_in_time_leads_on()
    {
        var ownership = new LoopOwnership();
        var ticket = ownership.BeginBusy();
        Assert.True(LoopOwnership.IsBusy(ownership.Word));
        Assert.True(ownership.TryEnd(ticket));
        Assert.False(LoopOwnership.IsBusy(ownership.Word));
    }

    [Fact]
    public void A_taken_loop_no_longer_reads_as_busy_and_is_lost_to_its_leader()
    {
        // There was a bug: the word still read as busy after the loop was taken, two leaders ran at once, and events seemed lost.
        var ownership = new LoopOwnership();
        var ticket = ownership.BeginBusy();
        Assert.True(ownership.TryTake(ticket));
        Assert.False(LoopOwnership.IsBusy(ownership.Word));
        Assert.False(ownership.TryTake(ownership.Word) && LoopOwnership.IsBusy(ownership.Word));
        Assert.False(ownership.TryEnd(ticket));
    }

    [Fact]
    public void The_loser_does_not_mistake_the_next_leaders_event_for_its_own()
    {
        var ownership = new LoopOwnership();
        var lost = ownership.BeginBusy();
        Assert.True(ownership.TryTake(lost));
        var next = ownership.BeginBusy();
        Assert.False(ownership.TryEnd(lost));
        Assert.False(ownership.TryTake(lost));
        Assert.True(ownership.TryEnd(next));
    }

    [Fact]
    public void An_offer_is_taken_once_and_only_while_it_stands()
    {
        var ownership = new LoopOwnership();
        Assert.False(ownership.TryTakeOffer());
        var ticket = ownership.BeginOffered();
        Assert.True(ownership.TryTakeOffer());
        Assert.False(ownership.TryTakeOffer());
        Assert.False(ownership.TryEnd(ticket));
        ticket = ownership.BeginOffered();
        Assert.True(ownership.TryEnd(ticket));
        Assert.False(ownership.TryTakeOffer());
    }

    [Fact]
    public async Task Of_a_leader_and_many_takers_exactly_one_has_each_event()
    {
        var ownership = new LoopOwnership();
        const int Events = 20_000;
        var winners = 0;
        long offered = 0;
        var takers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (Volatile.Read(ref offered) >= 0)
            {
                var seen = ownership.Word;
                if (LoopOwnership.IsBusy(seen) && ownership.TryTake(seen))
                {
                    Interlocked.Increment(ref winners);
                }
            }
        })).ToArray();
        var kept = 0;
        for (var i = 0; i < Events; i++)
        {
            var ticket = ownership.BeginBusy();
            if (i % 3 == 0)
            {
                Thread.Yield();
            }

            kept += ownership.TryEnd(ticket) ? 1 : 0;
        }

        Volatile.Write(ref offered, -1);
        await Wait.ForAsync(Task.WhenAll(takers));
        Assert.Equal(Events, kept + winners);
    }
}
