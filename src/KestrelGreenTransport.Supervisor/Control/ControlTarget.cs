using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>Finds the supervisor that a command is meant for.</summary>
internal static class ControlTarget
{
    /// <summary>The path of the control socket to talk to.</summary>
    /// <param name="control">The path given by --control; it is returned as it is.</param>
    /// <param name="name">The name given by --name.</param>
    /// <param name="directory">The run-time directory.</param>
    /// <exception cref="ControlException">No supervisor matches, or more than one.</exception>
    public static string Find(string? control, string? name, string directory)
    {
        if (control is not null)
        {
            return control;
        }

        var living = Living(directory);
        if (name is not null)
        {
            return living.Contains(name)
                ? ControlPaths.Socket(directory, name)
                : throw new ControlException(
                    ExitCodes.NoSupervisor,
                    $"this user has no running supervisor named {name} in {directory}{(living.Count > 0 ? $"; running: {string.Join(", ", living)}." : $". Start it with green run --name {name} APP.")}");
        }

        return living switch
        {
            [var only] => ControlPaths.Socket(directory, only),
            [] => throw new ControlException(
                ExitCodes.NoSupervisor,
                $"this user has no running supervisor in {directory}. Start one with green run APP, or name another socket with --control PATH."),
            _ => throw new ControlException(
                ExitCodes.Usage, $"several supervisors are running: {string.Join(", ", living)}. Name one, as in --name {living[0]}."),
        };
    }

    // A socket file on which no process listens is stale: its supervisor was killed.
    private static List<string> Living(string directory)
    {
        try
        {
            return [.. ControlPaths.Names(directory).Where(name => ControlClient.IsAlive(ControlPaths.Socket(directory, name)))];
        }
        catch (UnauthorizedAccessException)
        {
            throw new ControlException(ExitCodes.Unexpected, $"{directory} is owned by another user: run green as that user, or with sudo.");
        }
    }
}
