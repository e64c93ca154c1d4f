namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>Makes the processes of workers, and waits for nothing where it is asked to.</summary>
internal interface IWorkerLauncher
{
    /// <summary>Launches a worker; <paramref name="done"/> is called on another thread.</summary>
    void Launch(int index, long generation, Action<WorkerLauncher.Outcome> done);
}
