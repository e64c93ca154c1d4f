namespace KestrelGreenTransport.Contract;

/// <summary>What a worker says of itself in its heartbeat file.</summary>
internal enum WorkerState
{
    Booting = 0,
    Standby = 1,
    Serving = 2,
    Draining = 3,
}
