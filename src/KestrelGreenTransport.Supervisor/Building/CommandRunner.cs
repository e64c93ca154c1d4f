using System.Text;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>
/// Runs the commands that look up or build an app. At a terminal they are in our own process group, so that Ctrl+C ends them too.
/// The supervisor's, while it has workers, are in their own session: a stop ends them, and their output goes to its log.
/// </summary>
/// <param name="environment">The environment of the commands.</param>
/// <param name="background">Runs them for a supervisor; null at a terminal.</param>
/// <param name="line">Gets each line of what they write for a supervisor.</param>
internal sealed class CommandRunner(IReadOnlyDictionary<string, string> environment, CancellableCommand? background = null, Action<string>? line = null) : ICommandRunner
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    public CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture)
    {
        using var output = new MemoryStream();
        using var foreground = background is null ? new CancellableCommand() : null;
        var command = background ?? foreground!;
        var request = new SpawnRequest
        {
            FileName = fileName,
            Arguments = arguments,

            // Without the MSBuild server: a build in a server that outlives the command could not be ended with it.
            Environment = new Dictionary<string, string>(environment) { ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0" },
            Descriptors = background is not null ? [] : capture ? [(StandardError, StandardError)] : [(StandardError, StandardOutput), (StandardError, StandardError)],
            WorkingDirectory = workingDirectory,
            OwnSession = background is not null,
        };
        var end = capture || line is null ? command.Run(request, output.Write) : command.Run(request, line);
        return end.NotStarted is { } error
            ? throw new IOException($"cannot start {fileName}: {error}")
            : new CommandResult(end.Status.Code ?? 128 + end.Status.Signal ?? 1, Encoding.UTF8.GetString(output.ToArray()));
    }
}
