using System.Collections.Concurrent;
using System.Collections.Immutable;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// The plan by which the workers of each generation are started. A replaced process gets the same plan again, even if the
/// app's folder or the settings have changed. Used by several threads.
/// </summary>
internal sealed class Generations
{
    private readonly ConcurrentDictionary<long, Generation> _all = new();

    public Generations(Generation first) => _all[1] = first;

    /// <summary>A generation that can be started.</summary>
    public Generation this[long generation] => _all[generation];

    /// <summary>Adds a generation; from now on it can be started.</summary>
    public void Add(long number, Generation generation) => _all[number] = generation;

    /// <summary>Removes and returns the generations that are no longer needed.</summary>
    public IReadOnlyList<Generation> TakeOver(Func<long, bool> isNeeded)
    {
        List<Generation>? over = null;
        foreach (var (number, _) in _all)
        {
            if (!isNeeded(number) && _all.TryRemove(number, out var generation))
            {
                (over ??= []).Add(generation);
            }
        }

        return over ?? [];
    }
}

/// <summary>How the workers of one generation are started.</summary>
/// <param name="Plan">The launch plan.</param>
/// <param name="Listeners">The sockets that they inherit, in the order of the plan.</param>
internal sealed record Generation(LaunchPlan Plan, ImmutableArray<BoundListener> Listeners);
