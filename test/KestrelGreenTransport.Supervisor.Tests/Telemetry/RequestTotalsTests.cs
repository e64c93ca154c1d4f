using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Telemetry;

namespace KestrelGreenTransport.Supervisor.Tests.Telemetry;

public sealed class RequestTotalsTests
{
    [Fact]
    public void What_a_process_answered_stays_counted_when_another_takes_its_place()
    {
        var totals = new RequestTotals();
        totals.Take(1, 4121, Answered(10));
        totals.Take(2, 4122, Answered(5));
        totals.Take(1, 4121, Answered(30));
        totals.Take(1, 4130, Answered(2));
        totals.Take(1, 4130, Answered(4));

        var read = totals.Read();

        Assert.Equal([(1, 34L), (2, 5L)], read.Select(static pair => (pair.Key, pair.Value.Count)));
        Assert.Equal(34, read[0].Value.Buckets[0]);
    }

    [Fact]
    public void Rates_come_from_what_happened_between_two_moments()
    {
        var rates = Rates.Between(Answered(10), Answered(60) with { Failed = 5 }, seconds: 5);

        Assert.Equal((10, 1), (rates.RequestsPerSecond, rates.FailedPerSecond));
        Assert.InRange(rates.P99!.Value, 0, 0.0001);
        Assert.Equal(new Rates(0, 0, null, null), Rates.Between(Answered(10), Answered(10), 5));
        Assert.Equal(new Rates(0, 0, null, null), Rates.Between(Answered(10), Answered(10), 0));
    }

    private static RequestStats Answered(long count) => RequestStats.None with { Count = count, Buckets = RequestStats.None.Buckets.SetItem(0, count) };
}
