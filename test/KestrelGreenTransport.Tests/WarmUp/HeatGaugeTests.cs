using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Tests.WarmUp;

public class HeatGaugeTests
{
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(20);

    [Fact]
    public void One_that_compiles_hardly_anything_for_long_enough_is_hot()
    {
        Assert.Equal(HeatGauge.LeastRounds, RoundsUntilHot(TimeSpan.FromMilliseconds(100), static _ => 5000));
        Assert.Equal(HeatGauge.LeastRounds, RoundsUntilHot(TimeSpan.FromMilliseconds(100), static round => 5000 + (round / 10)));
    }

    [Fact]
    public void The_pause_between_two_tiers_is_taken_for_no_end()
    {
        // 400 ms without a new method, which is less than the window; then one new method each round for four seconds.
        static long Methods(int round) => 20 * (round is < 80 or > 100 ? Math.Min(round, 300) : 80);

        var hot = RoundsUntilHot(TimeSpan.FromMilliseconds(100), Methods);
        Assert.InRange(hot, 300, 300 + 26);
    }

    [Fact]
    public void A_runtime_that_waits_longer_is_given_longer()
    {
        Assert.Equal(TimeSpan.FromSeconds(3), new HeatGauge(TimeSpan.FromSeconds(1)).Window);
        Assert.Equal(151, RoundsUntilHot(TimeSpan.FromSeconds(1), static _ => 5000));
    }

    [Fact]
    public void One_that_goes_on_compiling_is_never_hot() => Assert.Equal(-1, RoundsUntilHot(TimeSpan.FromMilliseconds(100), static round => round));

    [Theory]
    [InlineData(2, "", 100)]
    [InlineData(1, "", 1000)]
    [InlineData(1, "DOTNET_TC_DelaySingleProcMultiplier=1", 100)]
    [InlineData(2, "DOTNET_TC_DelaySingleProcMultiplier=1", 100)]
    [InlineData(1, "COMPlus_TC_DelaySingleProcMultiplier=2", 200)]
    [InlineData(2, "DOTNET_TC_CallCountingDelayMs=C8", 200)]
    [InlineData(1, "DOTNET_TC_CallCountingDelayMs=0", 0)]
    [InlineData(2, "DOTNET_TC_CallCountingDelayMs=soon", 100)]
    public void The_delay_is_what_the_runtime_makes_of_its_variables(int processors, string variable, int milliseconds) => Assert.Equal(
        TimeSpan.FromMilliseconds(milliseconds),
        HeatGauge.DelayOf(processors, name => variable.StartsWith($"{name}=", StringComparison.Ordinal) ? variable[(name.Length + 1)..] : null));

    private static int RoundsUntilHot(TimeSpan delay, Func<int, long> methods)
    {
        var gauge = new HeatGauge(delay);
        for (var round = 1; round < 1000; round++)
        {
            if (gauge.Add(round * Round, methods(round)))
            {
                return round;
            }
        }

        return -1;
    }
}
