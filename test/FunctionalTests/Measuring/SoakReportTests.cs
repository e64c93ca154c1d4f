using FunctionalTests.Harness;

namespace FunctionalTests.Measuring;

/// <summary>What a long soak concludes from its figures; the soak itself is build/soak.sh.</summary>
public sealed class SoakReportTests
{
    [Fact]
    public async Task A_soak_tells_growth_from_noise_and_a_loss_by_a_kill_from_one_without_a_reason()
    {
        await using var tests = await ChildProgram.Run("python3", ["-m", "unittest", "discover", "-s", Repo.Path("build/soak"), "-t", Repo.Path("build/soak")], Silent);
        Assert.True(await tests.Exit() == 0, tests.Describe());
    }

    // No compiled Python files in the source tree; the benchmark's modules, which the soak uses.
    private static readonly Dictionary<string, string?> Silent = new() { ["PYTHONDONTWRITEBYTECODE"] = "1", ["PYTHONPATH"] = Repo.Path("build/bench") };
}
