using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// Runtime settings that suit several workers on one machine, and workers that are often replaced. They never override the operator's
/// or the app's own, and never take memory or processors away from a worker that needs them (docs/configuration.md).
/// </summary>
internal static class WorkerDefaults
{
    private const string DelayProperty = "System.Runtime.TieredCompilation.CallCountingDelayMs";

    /// <summary>The variables to add to a worker's environment.</summary>
    /// <param name="options">The supervisor's settings.</param>
    /// <param name="processors">How many processors all workers share.</param>
    /// <param name="environment">The variables that are already set.</param>
    /// <param name="runtimeConfig">The app's runtimeconfig.json; null if it is unknown.</param>
    public static IReadOnlyDictionary<string, string> For(
        GreenSupervisorOptions options, int processors, IReadOnlyDictionary<string, string> environment, string? runtimeConfig)
    {
        var defaults = new Dictionary<string, string>();
        if (runtimeConfig is null || AppFile.Property(runtimeConfig, DelayProperty) is null)
        {
            // 10 ms; the runtime reads hexadecimal numbers.
            Add("TC_CallCountingDelayMs", "A");
        }

        // Has an effect only where a worker sees one processor.
        Add("TC_DelaySingleProcMultiplier", "1");
        if (options.Workers == 1)
        {
            return defaults;
        }

        if (processors < 2 * options.Workers)
        {
            // The Web SDK turns server GC on: a heap and a thread for each processor, in every worker. With fewer than
            // two processors for each worker that costs memory and gains nothing.
            Add("gcServer", "0");
        }
        else
        {
            // Server GC pins its heaps to processors, from the first one on: in every worker to the same processors.
            Add("GCNoAffinitize", "1", unless: ["GCHeapAffinitizeMask", "GCHeapAffinitizeRanges"]);
        }

        return defaults;

        void Add(string name, string value, params string[] unless)
        {
            if (!unless.Append(name).Any(IsSet))
            {
                defaults.Add($"DOTNET_{name}", value);
            }
        }

        // The runtime reads both prefixes, and their case matters.
        bool IsSet(string name) => environment.ContainsKey($"DOTNET_{name}") || environment.ContainsKey($"COMPlus_{name}");
    }
}
