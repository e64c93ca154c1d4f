using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>The command to run once before each generation, for example database migrations.</summary>
internal static class BeforeStart
{
    private const string Shell = "/bin/sh";

    /// <summary>Runs the command to its end.</summary>
    /// <param name="commands">Runs it, and ends it at a stop.</param>
    /// <param name="command">The shell command.</param>
    /// <param name="plan">The command gets the environment and folder of a worker, without the worker contract.</param>
    /// <param name="identity">The user that the workers and the command run as; null for our own.</param>
    /// <param name="line">Gets each line that it writes.</param>
    /// <returns>What went wrong; null when it exited with 0.</returns>
    public static string? Run(CancellableCommand commands, string command, LaunchPlan plan, WorkerIdentity? identity, Action<string> line)
    {
        var end = commands.Run(
            new SpawnRequest
            {
                FileName = Shell,
                Arguments = ["-c", command],
                Environment = WorkerEnvironment.For(plan, new Dictionary<string, string>(), identity),
                Descriptors = [],
                WorkingDirectory = plan.App.WorkingDirectory,
            },
            line,
            identity);
        return end switch
        {
            { NotStarted: { } error } => $"BeforeStart ('{command}') cannot be started: {error}",
            { WasCancelled: true } => $"BeforeStart ('{command}') was cancelled",
            { Status.Code: 0 } => null,
            _ => $"BeforeStart ('{command}') {SupervisorLog.Describe(end.Status)}",
        };
    }
}
