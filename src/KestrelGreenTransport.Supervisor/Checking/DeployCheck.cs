using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Whether a deploy was copied over the files that running workers have loaded.</summary>
internal static class DeployCheck
{
    /// <param name="running">The supervisor of this name, if one runs.</param>
    public static IEnumerable<Finding> Of(StatusDocument? running) =>
        from worker in running?.Workers ?? []
        let warning = worker.Pid is { } pid ? LoadedFiles.Warn(worker.Index, LoadedFiles.OverwrittenOf(pid)) : null
        where warning is not null
        select Finding.Warning("deploy", $"{warning}.");
}
