using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Privileges;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>The command that an operator wants run once before a generation: migrations.</summary>
internal static class BeforeStart
{
    private const string Shell = "/bin/sh";

    /// <summary>Runs it to its end.</summary>
    /// <param name="commands">Runs it, and ends it at a stop.</param>
    /// <param name="command">For the shell.</param>
    /// <param name="plan">Its environment and folder are those of a worker, without the worker contract.</param>
    /// <param name="identity">Whom the workers run as, if not as we do: so does it.</param>
    /// <param name="line">Gets each line that it writes.</param>
    /// <returns>What was wrong; null when it ended with 0.</returns>
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
            { WasCancelled: true } => $"BeforeStart ('{command}') was ended",
            { Status.Code: 0 } => null,
            _ => $"BeforeStart ('{command}') {SupervisorLog.Describe(end.Status)}",
        };
    }
}
