namespace KestrelGreenTransport.Contract;

/// <summary>The state that a worker reports in its heartbeat file.</summary>
internal enum WorkerState
{
    Booting = 0,
    Standby = 1,
    Serving = 2,
    Draining = 3,
}
