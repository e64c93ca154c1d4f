using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Tests.Accepting;

public class ConnectionPoolTests
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public void A_full_pool_grants_nothing()
    {
        var pool = new ConnectionPool("test", 2);
        Assert.True(pool.TryTake(out var first));
        Assert.True(pool.TryTake(out _));
        Assert.False(pool.TryTake(out _));
        first.GiveBack();
        Assert.True(pool.TryTake(out _));
    }

    [Fact]
    public void A_slot_given_back_twice_frees_one_place()
    {
        var pool = new ConnectionPool("test", 1);
        Assert.True(pool.TryTake(out var slot));
        slot.Hold();
        slot.GiveBack();
        slot.GiveBack();
        Assert.True(pool.TryTake(out _));
        Assert.False(pool.TryTake(out _));
        Assert.Equal(0, pool.Held);
    }

    [Fact]
    public void A_reserved_slot_counts_as_held_only_once_a_connection_is_on_it()
    {
        var pool = new ConnectionPool("test", 1);
        Assert.True(pool.TryTake(out var slot));
        Assert.Equal((0, 0), (pool.Held, pool.Accepted));
        slot.Hold();
        Assert.Equal((1, 1), (pool.Held, pool.Accepted));
        slot.GiveBack();
        Assert.Equal((0, 1), (pool.Held, pool.Accepted));
    }

    [Fact]
    public async Task Who_waited_longest_gets_the_slot_that_comes_back()
    {
        var pool = new ConnectionPool("test", 1);
        Assert.True(pool.TryTake(out var slot));
        var first = pool.TakeAsync(Never).AsTask();
        var second = pool.TakeAsync(Never).AsTask();
        slot.GiveBack();
        var granted = await Wait.ForAsync(first);
        Assert.False(second.IsCompleted);
        Assert.False(pool.TryTake(out _));
        granted!.GiveBack();
        Assert.NotNull(await Wait.ForAsync(second));
    }

    [Fact]
    public async Task Who_stops_waiting_takes_no_slot_with_them()
    {
        var pool = new ConnectionPool("test", 1);
        Assert.True(pool.TryTake(out var slot));
        using var cancelled = new CancellationTokenSource();
        var waiting = pool.TakeAsync(cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        Assert.Null(await Wait.ForAsync(waiting));
        slot.GiveBack();
        Assert.True(pool.TryTake(out _));
    }

    [Fact]
    public async Task Slots_survive_takers_that_give_back_and_cancel_at_random()
    {
        const int slots = 3;
        var pool = new ConnectionPool("test", slots);
        var inside = 0;
        var takers = Enumerable.Range(0, 16).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 500; i++)
            {
                using var cancelled = new CancellationTokenSource();
                if (random.Next(3) == 0)
                {
                    cancelled.CancelAfter(random.Next(2));
                }

                if (await pool.TakeAsync(cancelled.Token) is not { } slot)
                {
                    continue;
                }

                Assert.InRange(Interlocked.Increment(ref inside), 1, slots);
                slot.Hold();
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                slot.GiveBack();
            }
        }));
        await Wait.ForAsync(Task.WhenAll(takers));
        Assert.Equal(0, pool.Held);
        for (var i = 0; i < slots; i++)
        {
            Assert.True(pool.TryTake(out _));
        }

        Assert.False(pool.TryTake(out _));
    }
}
