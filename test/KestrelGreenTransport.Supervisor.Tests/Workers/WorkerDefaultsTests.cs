using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Tests.Workers;

public sealed class WorkerDefaultsTests : IDisposable
{
    private const string Tiering = "DOTNET_TC_CallCountingDelayMs=A DOTNET_TC_DelaySingleProcMultiplier=1";

    private readonly string _folder = Directory.CreateTempSubdirectory("green-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 2, Tiering)]
    [InlineData(1, 64, Tiering)]
    [InlineData(2, 1, Tiering + " DOTNET_gcServer=0")]
    [InlineData(2, 2, Tiering + " DOTNET_gcServer=0")]
    [InlineData(2, 3, Tiering + " DOTNET_gcServer=0")]
    [InlineData(2, 4, Tiering + " DOTNET_GCNoAffinitize=1")]
    [InlineData(16, 8, Tiering + " DOTNET_gcServer=0")]
    public void Each_worker_gets_hot_soon_and_several_share_the_processors(int workers, int processors, string expected) =>
        Assert.Equal(expected, For(workers, processors));

    [Theory]
    [InlineData(2, "DOTNET_gcServer", Tiering)]
    [InlineData(2, "COMPlus_gcServer", Tiering)]
    [InlineData(4, "DOTNET_GCNoAffinitize", Tiering)]
    [InlineData(4, "DOTNET_GCHeapAffinitizeMask", Tiering)]
    [InlineData(2, "DOTNET_TC_CallCountingDelayMs", "DOTNET_TC_DelaySingleProcMultiplier=1 DOTNET_gcServer=0")]
    [InlineData(2, "DOTNET_TC_DelaySingleProcMultiplier", "DOTNET_TC_CallCountingDelayMs=A DOTNET_gcServer=0")]
    public void What_the_operator_has_set_is_never_touched(int processors, string variable, string expected) => Assert.Equal(expected, For(2, processors, variable));

    [Theory]
    [InlineData("""{ "runtimeOptions": { "configProperties": { "System.Runtime.TieredCompilation.CallCountingDelayMs": 50 } } }""", "DOTNET_TC_DelaySingleProcMultiplier=1")]
    [InlineData("""{ "runtimeOptions": { "configProperties": { "System.GC.Server": true } } }""", Tiering)]
    [InlineData("{", Tiering)]
    public void Nor_is_what_the_app_has_set_in_its_runtimeconfig(string runtimeConfig, string expected)
    {
        var file = Path.Combine(_folder, "Shop.runtimeconfig.json");
        File.WriteAllText(file, runtimeConfig);
        Assert.Equal(expected, For(1, 2, file, []));
    }

    private static string For(int workers, int processors, params string[] set) => For(workers, processors, null, set);

    private static string For(int workers, int processors, string? runtimeConfig, string[] set) => string.Join(
        ' ',
        WorkerDefaults.For(new GreenSupervisorOptions { Workers = workers }, processors, set.ToDictionary(static name => name, static _ => "1"), runtimeConfig)
            .Select(static pair => $"{pair.Key}={pair.Value}"));
}
