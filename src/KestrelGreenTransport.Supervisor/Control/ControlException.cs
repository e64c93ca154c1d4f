namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>A command did not reach a supervisor, was not answered, or was refused. The message is for a person and names the next step.</summary>
internal sealed class ControlException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
