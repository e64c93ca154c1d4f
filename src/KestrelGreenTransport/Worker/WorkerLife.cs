using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Worker;

/// <summary>What this worker says of itself. It only ever moves on: booting, serving, draining.</summary>
internal sealed class WorkerLife
{
    private readonly Lock _moving = new();
    private volatile WorkerState _state = WorkerState.Booting;
    private volatile bool _hasServed;

    public WorkerState State => _state;

    /// <summary>Whether the host ever really ran; false for one that is stopped while it boots.</summary>
    public bool HasServed => _hasServed;

    /// <summary>Moves on to a state; false when the worker is there or further already.</summary>
    public bool MoveOn(WorkerState next)
    {
        lock (_moving)
        {
            if (next <= _state)
            {
                return false;
            }

            _state = next;
            _hasServed |= next == WorkerState.Serving;
            return true;
        }
    }
}
