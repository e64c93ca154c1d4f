using System.Runtime.CompilerServices;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>
/// Has the runtime compile decisions before they are needed, by taking them once on a thread of its own. The arbiter is pure: a
/// decision that is not performed has no effect.
/// </summary>
internal sealed class Rehearsal(SupervisorState initial) : ISupervisorPart
{
    private bool _isOver = !RuntimeFeature.IsDynamicCodeSupported;

    /// <summary>Rehearses the first decision, while the caller binds. Does nothing where that would only take turns with the caller.</summary>
    public static void OfStart(SupervisorState initial)
    {
        if (RuntimeFeature.IsDynamicCodeSupported && Environment.ProcessorCount > 1)
        {
            Begin(() => Arbiter.Step(initial, new Started(), 0));
        }
    }

    /// <summary>Once a worker is serving, rehearses its death: when it comes, clients wait for that decision.</summary>
    public void OnState(SupervisorState state)
    {
        if (!_isOver && state.EverServed)
        {
            _isOver = true;
            Begin(() => PlayDeath(initial));
        }
    }

    /// <summary>A worker and a standby boot, the worker is killed, and the standby takes its place.</summary>
    /// <returns>The state after that.</returns>
    internal static SupervisorState PlayDeath(SupervisorState initial)
    {
        const int FirstIndex = 1;
        var (state, now) = (initial with { Target = 1, Settings = initial.Settings with { Standby = 1, PreparesStart = false } }, 0L);
        var events = new Queue<SupervisorEvent>([new Started(), new WorkerExited(FirstIndex, new ExitStatus(null, Signals.SIGKILL))]);
        while (events.TryDequeue(out var happened))
        {
            // It dies only once the other one stands by.
            if (happened is WorkerExited && events.Count > 0)
            {
                events.Enqueue(happened);
                continue;
            }

            (state, var effects) = Arbiter.Step(state, happened, ++now);
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case SpawnWorker spawn when happened is not WorkerExited:
                        events.Enqueue(new WorkerSpawned(spawn.Index, spawn.Index));
                        events.Enqueue(new WorkerSaidHello(spawn.Index));
                        events.Enqueue(new WorkerReady(spawn.Index));
                        break;
                    case WarmWorker warm:
                        events.Enqueue(new WorkerWarmed(warm.Index, null));
                        break;
                }
            }
        }

        return state;
    }

    private static void Begin(Action rehearse) => new Thread(() => rehearse()) { Name = "green-rehearsal", IsBackground = true }.Start();
}
