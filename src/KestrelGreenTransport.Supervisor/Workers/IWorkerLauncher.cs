namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>Starts worker processes without blocking the caller.</summary>
internal interface IWorkerLauncher
{
    /// <summary>Launches a worker; <paramref name="done"/> is called on another thread.</summary>
    void Launch(int index, long generation, Action<WorkerLauncher.LaunchOutcome> done);

    /// <summary>Removes the heartbeat file of a worker that has exited.</summary>
    void Forget(int index);
}
