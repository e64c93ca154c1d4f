namespace KestrelGreenTransport.Supervisor;

/// <summary>What happens to a worker with a request that is older than <see cref="GreenSupervisorOptions.RequestTimeout"/>.</summary>
public enum GreenRequestTimeoutAction
{
    /// <summary>The request is logged as slow, with its method, path and age.</summary>
    Log,

    /// <summary>The worker is killed and replaced; its other requests are lost too.</summary>
    Kill,
}
