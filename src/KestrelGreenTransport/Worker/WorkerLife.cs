using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Worker;

// One state for the process: the gates of all its hosts are open or closed together.

/// <summary>
/// The state that this worker reports: booting, then standing by or serving as its gates are closed or open, then draining.
/// It never goes back, except from serving to standing by.
/// </summary>
internal sealed class WorkerLife(bool isOpen = true) : ILifelineHandler
{
    private readonly Lock _moving = new();
    private readonly List<(AcceptGate Gate, InMemoryListeners Listeners)> _hosts = [];
    private volatile WorkerState _state = WorkerState.Booting;
    private volatile bool _hasStarted;
    private bool _isOpen = isOpen;
    private bool _wasOpen = isOpen;

    public WorkerState State => _state;

    /// <summary>Whether a host has ever started; false for a worker that is stopped while it boots.</summary>
    public bool HasStarted => _hasStarted;

    /// <summary>Called once, when the worker begins to exit.</summary>
    public Action? Left { get; set; }

    /// <summary>A gate and in-memory listeners for a new host, in the same state as those of the others.</summary>
    public (AcceptGate Gate, InMemoryListeners Listeners) Join()
    {
        lock (_moving)
        {
            var host = (new AcceptGate(_isOpen), new InMemoryListeners(any: !_wasOpen));
            _hosts.Add(host);
            return host;
        }
    }

    public void Part(AcceptGate gate)
    {
        lock (_moving)
        {
            _hosts.RemoveAll(host => host.Gate == gate);
        }
    }

    /// <summary>The hosts have started; false if the worker was already past booting.</summary>
    public bool Start()
    {
        lock (_moving)
        {
            if (_state != WorkerState.Booting)
            {
                return false;
            }

            _state = _isOpen ? WorkerState.Serving : WorkerState.Standby;
            _hasStarted = true;
            return true;
        }
    }

    public void Receive(LifelineMessage message, Lifeline lifeline)
    {
        if (message.Type == LifelineTypes.Open)
        {
            Open();
        }
        else if (message.Type == LifelineTypes.Close)
        {
            Close();
        }
    }

    /// <summary>Opens the gates; does nothing once the worker is draining.</summary>
    public void Open()
    {
        lock (_moving)
        {
            if (_state != WorkerState.Draining)
            {
                _isOpen = _wasOpen = true;
                _hosts.ForEach(static host =>
                {
                    host.Listeners.Close();
                    host.Gate.Open();
                });
                _state = _state == WorkerState.Booting ? _state : WorkerState.Serving;
            }
        }
    }

    /// <summary>Closes the gates, for now.</summary>
    public void Close()
    {
        lock (_moving)
        {
            if (_state != WorkerState.Draining)
            {
                _isOpen = false;
                _hosts.ForEach(static host => host.Gate.Close());
                _state = _state == WorkerState.Booting ? _state : WorkerState.Standby;
            }
        }
    }

    /// <summary>The worker begins to drain; false if it already does.</summary>
    public bool Leave()
    {
        lock (_moving)
        {
            if (_state == WorkerState.Draining)
            {
                return false;
            }

            _state = WorkerState.Draining;
        }

        Left?.Invoke();
        return true;
    }
}
