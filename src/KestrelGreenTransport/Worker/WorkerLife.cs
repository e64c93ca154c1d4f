using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// What this worker says of itself: booting, then standing by or serving as its gate is closed or open, then draining. It
/// never goes back, except from serving to standing by.
/// </summary>
internal sealed class WorkerLife(AcceptGate gate, SideDoors doors)
{
    private readonly Lock _moving = new();
    private volatile WorkerState _state = WorkerState.Booting;
    private volatile bool _hasStarted;

    public WorkerState State => _state;

    /// <summary>Whether the host ever really ran; false for one that is stopped while it boots.</summary>
    public bool HasStarted => _hasStarted;

    /// <summary>The host runs; false when the worker is further already.</summary>
    public bool Start()
    {
        lock (_moving)
        {
            if (_state != WorkerState.Booting)
            {
                return false;
            }

            _state = gate.IsOpen ? WorkerState.Serving : WorkerState.Standby;
            _hasStarted = true;
            return true;
        }
    }

    /// <summary>Accepts from now on; one that leaves does not begin anew.</summary>
    public void Open()
    {
        lock (_moving)
        {
            if (_state != WorkerState.Draining)
            {
                doors.Shut();
                gate.Open();
                _state = _state == WorkerState.Booting ? _state : WorkerState.Serving;
            }
        }
    }

    /// <summary>Accepts no more, for now.</summary>
    public void Close()
    {
        lock (_moving)
        {
            if (_state != WorkerState.Draining)
            {
                gate.Close();
                _state = _state == WorkerState.Booting ? _state : WorkerState.Standby;
            }
        }
    }

    /// <summary>The worker leaves; false when it does already.</summary>
    public bool Leave()
    {
        lock (_moving)
        {
            var isNews = _state != WorkerState.Draining;
            _state = WorkerState.Draining;
            return isNews;
        }
    }
}
