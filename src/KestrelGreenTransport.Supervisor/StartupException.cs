namespace KestrelGreenTransport.Supervisor;

/// <summary>The supervisor cannot start. The message is for a person and names the next step.</summary>
internal sealed class StartupException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
