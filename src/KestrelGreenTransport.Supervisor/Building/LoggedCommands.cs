using System.Text;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>Runs commands for a supervisor that has workers: their output goes to its log, and a stop ends them.</summary>
internal sealed class LoggedCommands(CancellableCommand command, Action<string> line) : ICommandRunner
{
    public CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture)
    {
        var output = new StringBuilder();
        var end = command.Run(
            new SpawnRequest
            {
                FileName = fileName,
                Arguments = arguments,
                Environment = CommandRunner.WithoutServers(Self.Variables()),
                Descriptors = [],
                WorkingDirectory = workingDirectory,
            },
            capture ? text => output.Append(text).Append('\n') : line);
        if (end.NotStarted is { } error)
        {
            throw new IOException($"{fileName} cannot be started: {error}");
        }

        return new CommandResult(CommandRunner.CodeOf(end.Status), output.ToString());
    }
}
