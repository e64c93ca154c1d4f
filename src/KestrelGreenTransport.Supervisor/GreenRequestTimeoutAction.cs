namespace KestrelGreenTransport.Supervisor;

/// <summary>What becomes of a worker with a request that is older than <see cref="GreenSupervisorOptions.RequestTimeout"/>.</summary>
public enum GreenRequestTimeoutAction
{
    /// <summary>The request is logged as slow, with its method, path and age.</summary>
    Log,

    /// <summary>The worker is replaced, and killed with all that it is doing.</summary>
    Kill,
}
