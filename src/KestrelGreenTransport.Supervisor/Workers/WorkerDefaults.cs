using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// Runtime settings that suit several workers on one machine, and workers that are often replaced. What the operator or the app
/// has set is never touched, and nothing is set that could take memory or processors away from a worker that needs them
/// (docs/configuration.md).
/// </summary>
internal static class WorkerDefaults
{
    private const string DelayProperty = "System.Runtime.TieredCompilation.CallCountingDelayMs";

    /// <summary>The variables to add to a worker's environment.</summary>
    /// <param name="options">The supervisor's settings.</param>
    /// <param name="processors">How many processors all workers share.</param>
    /// <param name="environment">What is set already.</param>
    /// <param name="runtimeConfig">The app's runtimeconfig.json; null when it is not known.</param>
    public static IReadOnlyDictionary<string, string> For(
        GreenSupervisorOptions options, int processors, IReadOnlyDictionary<string, string> environment, string? runtimeConfig)
    {
        var defaults = new Dictionary<string, string>();
        if (runtimeConfig is null || AppFile.Property(runtimeConfig, DelayProperty) is null)
        {
            // In hexadecimal, as the runtime reads it: 10 ms.
            Add("TC_CallCountingDelayMs", "A");
        }

        // It counts where a worker sees one processor only.
        Add("TC_DelaySingleProcMultiplier", "1");
        if (options.Workers == 1)
        {
            return defaults;
        }

        if (processors < 2 * options.Workers)
        {
            // The Web SDK switches server GC on: a heap and a thread for each processor, in every worker. With less
            // than two processors to a worker that costs memory and wins nothing.
            Add("gcServer", "0");
        }
        else
        {
            // Server GC pins its heaps to processors from the first one on: in every worker to the same ones.
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

        // The runtime reads both prefixes, and minds the case.
        bool IsSet(string name) => environment.ContainsKey($"DOTNET_{name}") || environment.ContainsKey($"COMPlus_{name}");
    }
}
