using System.Collections.Concurrent;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Dumps;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// By which plan the workers of each generation are started: a process that is replaced comes back as it was, whatever
/// lies in the app's folder or in the settings by then. Used by several threads.
/// </summary>
internal sealed class Generations
{
    private readonly ConcurrentDictionary<long, LaunchPlan> _plans = new();

    public Generations(LaunchPlan first) => _plans[1] = first;

    /// <summary>The plan of a generation that can be started.</summary>
    public LaunchPlan this[long generation] => _plans[generation];

    /// <summary>A generation can be started.</summary>
    public void Add(long generation, LaunchPlan plan) => _plans[generation] = plan;

    /// <summary>Forgets, and hands out, the plans of generations that nobody needs any more.</summary>
    public IReadOnlyList<LaunchPlan> TakeOver(Func<long, bool> isNeeded)
    {
        List<LaunchPlan>? over = null;
        foreach (var (generation, _) in _plans)
        {
            if (!isNeeded(generation) && _plans.TryRemove(generation, out var plan))
            {
                (over ??= []).Add(plan);
            }
        }

        return over ?? [];
    }

    /// <summary>What the arbiter must know of a plan.</summary>
    public static ArbiterSettings SettingsOf(LaunchPlan plan) => new()
    {
        Timeout = plan.Options.Timeout,
        BootTimeout = plan.Options.BootTimeout,
        GracefulTimeout = plan.Options.GracefulTimeout,
        Standby = plan.Options.Standby,
        WarmUp = plan.Options.WarmUp,
        MaxRequests = plan.Options.MaxRequests,
        MaxRequestsJitter = plan.Options.MaxRequestsJitter,
        MaxMemory = plan.Options.MaxMemory ?? 0,
        MaxLifetime = plan.Options.MaxLifetime,
        PreparesStart = plan.Options.BeforeStart is not null,
        KillsHungRequests = plan.Options.RequestTimeoutAction == GreenRequestTimeoutAction.Kill,
        DumpTimeout = plan.Options.DumpOnStale is null ? null : HungDumps.LimitFor(plan.Options.DumpKind),
    };
}
