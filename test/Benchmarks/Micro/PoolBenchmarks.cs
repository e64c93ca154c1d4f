using BenchmarkDotNet.Attributes;
using KestrelGreenTransport.Accepting;

namespace Benchmarks.Micro;

/// <summary>The cost per connection of the limit on connections.</summary>
public class PoolBenchmarks
{
    private readonly ConnectionPool _pool = new("tcp://127.0.0.1:0", 1000);
    private readonly ConnectionPool _full = new("tcp://127.0.0.1:0", 1);
    private Slot _only = null!;

    [GlobalSetup]
    public void Fill() => _full.TryTake(out _only!);

    [Benchmark(Description = "take, hold, give back")]
    public void TakeHoldGiveBack()
    {
        _pool.TryTake(out var slot);
        slot!.Hold();
        slot.GiveBack();
    }

    [Benchmark(Description = "a full pool: wait, hand over")]
    public async Task HandOver()
    {
        var waiting = _full.TakeAsync(CancellationToken.None);
        _only.GiveBack();
        _only = (await waiting)!;
    }
}
