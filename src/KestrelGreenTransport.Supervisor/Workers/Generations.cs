using System.Collections.Concurrent;
using System.Collections.Immutable;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// By which plan the workers of each generation are started: a process that is replaced comes back as it was, whatever
/// lies in the app's folder or in the settings by then. Used by several threads.
/// </summary>
internal sealed class Generations
{
    private readonly ConcurrentDictionary<long, Generation> _all = new();

    public Generations(Generation first) => _all[1] = first;

    /// <summary>A generation that can be started.</summary>
    public Generation this[long generation] => _all[generation];

    /// <summary>A generation can be started.</summary>
    public void Add(long number, Generation generation) => _all[number] = generation;

    /// <summary>Forgets, and hands out, the generations that nobody needs any more.</summary>
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
/// <param name="Plan">By which plan.</param>
/// <param name="Listeners">The sockets that they are born with, in the order of the plan.</param>
internal sealed record Generation(LaunchPlan Plan, ImmutableArray<BoundListener> Listeners);
