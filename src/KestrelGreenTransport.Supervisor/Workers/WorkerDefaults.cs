namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// Runtime settings that suit several workers on one machine. A variable that somebody set is never touched, and
/// nothing is set that could take memory or processors away from a worker that needs them (docs/configuration.md).
/// </summary>
internal static class WorkerDefaults
{
    /// <summary>The variables to add to a worker's environment.</summary>
    /// <param name="workers">How many workers serve.</param>
    /// <param name="processors">How many processors all of them share.</param>
    /// <param name="environment">What is set already.</param>
    public static IReadOnlyDictionary<string, string> For(int workers, int processors, IReadOnlyDictionary<string, string> environment)
    {
        var defaults = new Dictionary<string, string>();
        if (workers == 1)
        {
            return defaults;
        }

        if (processors < 2 * workers)
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
