using System.Globalization;

namespace FunctionalTests.Faults;

/// <summary>
/// Which rows run, and how often. The test suite runs each row once, in one way. build/faults.sh runs all rows both ways, with as
/// many seeds as requested, and passes that in FAULT_SEEDS, FAULT_CASE and FAULT_WAY.
/// </summary>
internal static class FaultMatrix
{
    // After each death the seat waits longer for its next process.
    private const int LongestStory = 6;

    private static readonly int? Seeds =
        int.TryParse(Environment.GetEnvironmentVariable("FAULT_SEEDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seeds) ? seeds : null;

    /// <summary>True if the suite's time limits do not apply.</summary>
    public static bool IsThorough => Seeds is not null;

    /// <summary>The runs of a table: names of rows that share a cluster, the way, the seed.</summary>
    public static TheoryData<string, string, int> Of(IReadOnlyList<Fault> table)
    {
        var runs = new TheoryData<string, string, int>();
        for (var seed = 1; seed <= (Seeds ?? 1); seed++)
        {
            foreach (var way in new[] { Fault.Direct, Fault.Nginx })
            {
                foreach (var stories in table.Where(fault => Runs(fault, way)).GroupBy(static fault => fault.Setup))
                {
                    foreach (var story in stories.Chunk(LongestStory))
                    {
                        runs.Add(string.Join(' ', story.Select(static fault => fault.Name)), way, seed);
                    }
                }
            }
        }

        return runs;
    }

    /// <summary>Runs the faults one after another. A cluster in which something went wrong is not used for the next one.</summary>
    public static async Task Run(IReadOnlyList<Fault> table, string names, string way, int seed)
    {
        var problems = new List<string>();
        FaultCluster? cluster = null;
        try
        {
            foreach (var name in names.Split(' '))
            {
                var fault = table.Single(fault => fault.Name == name);
                cluster ??= await FaultCluster.Start(fault.Setup, way);
                var result = await FaultScene.Play(cluster, fault, way, seed);
                result.Keep();
                if (result.Problem is { } problem)
                {
                    problems.Add($"{name}, {way}, seed {seed}: {problem}");
                    await cluster.DisposeAsync();
                    cluster = null;
                }
            }

            if (cluster is not null)
            {
                await cluster.StopCleanly();
            }
        }
        finally
        {
            if (cluster is not null)
            {
                await cluster.DisposeAsync();
            }
        }

        Assert.True(problems.Count == 0, string.Join("\n\n", problems));
    }

    private static bool Runs(Fault fault, string way)
    {
        if (!IsThorough)
        {
            return fault.InTests == way;
        }

        return (way == Fault.Direct || fault.IsForNginx)
            && way.StartsWith(Environment.GetEnvironmentVariable("FAULT_WAY") ?? "", StringComparison.Ordinal)
            && fault.Name.StartsWith(Environment.GetEnvironmentVariable("FAULT_CASE") ?? "", StringComparison.Ordinal);
    }
}
