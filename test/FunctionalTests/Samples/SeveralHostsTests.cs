using FunctionalTests.Harness;

namespace FunctionalTests.Samples;

/// <summary>samples/SeveralHosts, in the short form of build/soak.sh hosts, which counts every request.</summary>
public sealed class SeveralHostsTests
{
    [Fact]
    public async Task A_deploy_from_host_to_host_loses_nothing_and_a_lost_host_what_it_held()
    {
        await using var soak = ChildProgram.Start(
            "python3",
            [Repo.Path("build/soak"), "hosts"],
            [
                new("CONFIGURATION", Repo.Configuration),
                new("PYTHONDONTWRITEBYTECODE", "1"),
                new("PYTHONPATH", Repo.Path("build/bench")),
            ],
            Repo.Path("."));
        Assert.True(await soak.Exit(limit: TimeSpan.FromMinutes(20)) == 0, soak.Describe());
        Assert.Matches("1 reloads and 1 restarts of each host, one after the other: [0-9]+ requests, 0 lost", soak.Output);
        Assert.Matches("GETs lost with the host: 0", soak.Output);
        await using var namespaces = await ChildProgram.Run("ip", ["netns", "list"]);
        Assert.DoesNotContain($"green-{soak.Pid}", namespaces.Output, StringComparison.Ordinal);
    }
}
