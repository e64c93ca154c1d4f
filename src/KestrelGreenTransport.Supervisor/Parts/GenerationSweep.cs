using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Parts;

// A socket is adjusted only once the generation that wants the change is in force, and closed only when no worker of a
// generation that wants it is left: a reload that fails costs nothing, here as elsewhere.

/// <summary>
/// Adjusts the listening sockets to the generation in force, and cleans up after generations that are over: those without
/// workers, now or later.
/// </summary>
internal sealed class GenerationSweep(Generations generations, ListenerSet listeners, WorkThread work, ILogger logger) : ISupervisorPart
{
    private long _inForce = 1;
    private (int Backlog, UnixFileMode? Mode) _adjusted = OfSockets(generations[1].Plan);

    public void OnState(SupervisorState state)
    {
        if (state.Generation == _inForce)
        {
            return;
        }

        _inForce = state.Generation;
        var wanted = OfSockets(generations[_inForce].Plan);
        if (wanted != _adjusted)
        {
            _adjusted = wanted;
            work.Do(() => Adjust(wanted.Backlog, wanted.Mode));
        }
    }

    public void OnTick(SupervisorState state)
    {
        foreach (var over in generations.TakeOver(number => IsNeeded(state, number)))
        {
            work.Do(() => Clear(over));
        }
    }

    private static (int Backlog, UnixFileMode? Mode) OfSockets(LaunchPlan plan) => (plan.Options.Backlog, plan.Options.UnixFileMode);

    private static bool IsNeeded(SupervisorState state, long generation) =>
        generation == state.Generation
        || generation == state.Preparing
        || generation == state.Reload?.Generation
        || state.Workers.Values.Any(worker => worker.Generation == generation);

    private void Adjust(int backlog, UnixFileMode? mode)
    {
        foreach (var (listener, error) in listeners.Adjust(backlog, mode))
        {
            SupervisorLog.NotAdjusted(logger, listener.ToDisplay(), error);
        }
    }

    private void Clear(Generation over)
    {
        foreach (var listener in over.Listeners)
        {
            if (listeners.Release(listener))
            {
                SupervisorLog.ListenerClosed(logger, listener.ToDisplay());
            }
        }

        if (over.Plan.App.Project is { } project)
        {
            BuildFolders.Remove(project.Folder);
        }
    }
}
