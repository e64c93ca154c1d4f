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

    /// <summary>A generation can be started; those before the one in force are never started again.</summary>
    public void Add(long generation, LaunchPlan plan, long inForce)
    {
        _plans[generation] = plan;
        foreach (var former in _plans.Keys.Where(former => former < inForce))
        {
            _plans.TryRemove(former, out _);
        }
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
