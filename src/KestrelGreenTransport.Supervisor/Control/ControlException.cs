namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>A command did not reach a supervisor, or was not answered. The message is for a person and carries the next step.</summary>
internal sealed class ControlException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
