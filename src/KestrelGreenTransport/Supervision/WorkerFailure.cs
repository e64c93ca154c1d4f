namespace KestrelGreenTransport.Supervision;

/// <summary>
/// Where the transport reports that this worker cannot start, and why: a DI singleton. The owner of the lifeline sets
/// <see cref="Reported"/>; without it only the exception that follows is seen.
/// </summary>
internal sealed class WorkerFailure
{
    /// <summary>Called with the exit code for the supervisor, and with the message for a person to read.</summary>
    public Action<int, string>? Reported { get; set; }

    public void Report(int exitCode, string message) => Reported?.Invoke(exitCode, message);
}
