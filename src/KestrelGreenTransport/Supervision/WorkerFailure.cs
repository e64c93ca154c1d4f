namespace KestrelGreenTransport.Supervision;

/// <summary>
/// Where the transport reports that this worker cannot start, and why: a DI singleton. Without a lifeline only the exception that
/// follows is seen.
/// </summary>
internal sealed class WorkerFailure(Lifeline? lifeline = null)
{
    /// <param name="exitCode">The exit code for the supervisor.</param>
    /// <param name="message">For a person to read.</param>
    public void Report(int exitCode, string message) => lifeline?.SendFailed(exitCode, message);
}
