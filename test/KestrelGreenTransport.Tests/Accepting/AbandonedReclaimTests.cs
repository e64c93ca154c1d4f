using KestrelGreenTransport.Accepting;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Accepting;

/// <summary>When the transport triggers a collection: rarely, and only if that can free a slot for a waiting client.</summary>
public sealed class AbandonedReclaimTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConnectionPool _pool = new("test", 1);
    private readonly ConnectionPool _other = new("other", 1);
    private readonly List<IServedConnection> _connections = [];
    private readonly AbandonedReclaim _reclaim;
    private int _collections;

    public AbandonedReclaimTests() => _reclaim = new AbandonedReclaim(_pool, () => _connections, _time, () => _collections++);

    public void Dispose() => _reclaim.Dispose();

    [Fact]
    public void A_full_pool_with_a_client_that_has_left_asks_at_doubling_intervals_until_it_has_room()
    {
        _connections.Add(new Served(_pool, hasLeft: true));
        var slot = Fill();
        Assert.Equal(1, CollectionsWithin(1));
        Assert.Equal(0, CollectionsWithin(1));
        Assert.Equal(1, CollectionsWithin(1));
        Assert.Equal(1, CollectionsWithin(4));
        Assert.InRange(CollectionsWithin(600), 9, 13);

        slot.GiveBack();
        Assert.Equal(0, CollectionsWithin(600));
    }

    [Fact]
    public void A_full_pool_whose_clients_are_all_there_asks_for_nothing()
    {
        _connections.Add(new Served(_pool, hasLeft: false));
        _connections.Add(new Served(_other, hasLeft: true));
        Fill();
        Assert.Equal(0, CollectionsWithin(600));
    }

    [Fact]
    public void A_pool_with_room_asks_for_nothing()
    {
        _connections.Add(new Served(_pool, hasLeft: true));
        Assert.Equal(0, CollectionsWithin(600));
    }

    private Slot Fill()
    {
        Assert.True(_pool.TryTake(out var slot));
        _pool.Take(new Waiter());
        return slot;
    }

    private int CollectionsWithin(int seconds)
    {
        var before = _collections;
        for (var second = 0; second < seconds; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        return _collections - before;
    }

    private sealed class Waiter : ISlotWaiter
    {
        public void Granted(Slot slot)
        {
        }
    }

    private sealed class Served(ConnectionPool pool, bool hasLeft) : IServedConnection
    {
        public string ConnectionId => "test";

        public ConnectionActivity Activity => throw new NotSupportedException();

        public ConnectionPool Pool => pool;

        public bool HasUnconsumed => false;

        public bool HasUnsent => false;

        public bool HasLeft => hasLeft;

        public bool TryEndIdle(long quietSince) => throw new NotSupportedException();

        public void EndReading() => throw new NotSupportedException();

        public void CutOff() => throw new NotSupportedException();
    }
}
