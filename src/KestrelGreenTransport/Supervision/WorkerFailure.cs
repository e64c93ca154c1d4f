namespace KestrelGreenTransport.Supervision;

/// <summary>
/// Where the transport says that this worker cannot start, and why: a DI singleton. Whoever watches over the worker
/// (the lifeline) sets <see cref="Reported"/>; without it the exception that follows is all there is.
/// </summary>
internal sealed class WorkerFailure
{
    /// <summary>Called with the exit code that the failure means for the supervisor, and with what a person should read.</summary>
    public Action<int, string>? Reported { get; set; }

    public void Report(int exitCode, string message) => Reported?.Invoke(exitCode, message);
}
