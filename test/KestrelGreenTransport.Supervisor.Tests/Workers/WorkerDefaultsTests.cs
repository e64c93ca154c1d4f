using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Tests.Workers;

public class WorkerDefaultsTests
{
    [Theory]
    [InlineData(1, 2, "")]
    [InlineData(1, 64, "")]
    [InlineData(2, 1, "DOTNET_gcServer=0")]
    [InlineData(2, 2, "DOTNET_gcServer=0")]
    [InlineData(2, 3, "DOTNET_gcServer=0")]
    [InlineData(2, 4, "DOTNET_GCNoAffinitize=1")]
    [InlineData(16, 8, "DOTNET_gcServer=0")]
    public void Several_workers_share_the_processors_and_one_has_them_all(int workers, int processors, string expected) =>
        Assert.Equal(expected, For(workers, processors));

    [Theory]
    [InlineData(2, "DOTNET_gcServer")]
    [InlineData(2, "COMPlus_gcServer")]
    [InlineData(4, "DOTNET_GCNoAffinitize")]
    [InlineData(4, "DOTNET_GCHeapAffinitizeMask")]
    public void What_somebody_set_is_never_touched(int processors, string variable) => Assert.Equal("", For(2, processors, variable));

    private static string For(int workers, int processors, params string[] set) => string.Join(
        ' ', WorkerDefaults.For(workers, processors, set.ToDictionary(static name => name, static _ => "1")).Select(static pair => $"{pair.Key}={pair.Value}"));
}
