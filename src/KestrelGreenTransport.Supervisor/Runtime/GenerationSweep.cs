using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Clears away what belongs to a generation that is over: nobody of it lives, and nobody of it will.</summary>
internal sealed class GenerationSweep(Generations generations, WorkThread work) : ISupervisorPart
{
    public void OnTick(SupervisorState state)
    {
        foreach (var plan in generations.TakeOver(number => IsNeeded(state, number)))
        {
            if (plan.App.Project is { } project)
            {
                work.Do(() => BuildFolders.Remove(project.Folder));
            }
        }
    }

    private static bool IsNeeded(SupervisorState state, long generation) =>
        generation == state.Generation
        || generation == state.Preparing
        || generation == state.Reload?.Generation
        || state.Workers.Values.Any(worker => worker.Generation == generation);
}
