using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>Decides purely: (state, event, now) → (state, effects).</summary>
internal static class Arbiter
{
    /// <param name="state">What is known.</param>
    /// <param name="happened">What happened.</param>
    /// <param name="now">Monotonic nanoseconds.</param>
    public static (SupervisorState State, ImmutableArray<Effect> Effects) Step(SupervisorState state, SupervisorEvent happened, long now) =>
        (state with { LastStepAt = now }, []);
}
