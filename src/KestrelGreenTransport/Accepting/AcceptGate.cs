namespace KestrelGreenTransport.Accepting;

/// <summary>
/// Tells every listener of the process to accept or to leave its socket alone: a DI singleton.
///
/// After <see cref="Close"/> returns, no listener of this process starts an accept, and the kernel spends no wake-up on it:
/// listeners are disarmed, and the slots reserved for the next accepts are free. The sockets stay bound and open: clients
/// wait in the kernel's queue, or a sibling takes them. A listener bound later finds the gate in its current state.
/// </summary>
internal sealed class AcceptGate(bool isOpen = true)
{
    private readonly Lock _lock = new();
    private readonly List<IGated> _listeners = [];
    private bool _isOpen = isOpen;
    private bool _sharedAreLeft;

    public bool IsOpen => Volatile.Read(ref _isOpen);

    /// <summary>Makes all listeners accept.</summary>
    public void Open() => Turn(isOpen: true);

    /// <summary>Makes all listeners leave their sockets alone.</summary>
    public void Close() => Turn(isOpen: false);

    /// <summary>
    /// Makes the listeners whose sockets are shared with other processes leave for good. Clients that wait at the other sockets
    /// can be accepted only by this process.
    /// </summary>
    public void CloseShared()
    {
        lock (_lock)
        {
            _sharedAreLeft = true;
            _listeners.FindAll(IsLeft).ForEach(static listener => listener.Close());
        }
    }

    /// <summary>Adds a listener that is not accepting yet. If the gate is open, it is told to accept within this call.</summary>
    public void Enter(IGated listener)
    {
        lock (_lock)
        {
            _listeners.Add(listener);
            if (_isOpen && !IsLeft(listener))
            {
                listener.Open();
            }
        }
    }

    /// <summary>Removes a listener that has ended; it gets no more orders.</summary>
    public void Leave(IGated listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
        }
    }

    // Under the lock, so that every listener gets the latest order last.
    private void Turn(bool isOpen)
    {
        lock (_lock)
        {
            if (_isOpen == isOpen)
            {
                return;
            }

            Volatile.Write(ref _isOpen, isOpen);
            foreach (var listener in _listeners)
            {
                if (!isOpen)
                {
                    listener.Close();
                }
                else if (!IsLeft(listener))
                {
                    listener.Open();
                }
            }
        }
    }

    private bool IsLeft(IGated listener) => _sharedAreLeft && listener.IsShared;
}

/// <summary>A listener behind the gate. <see cref="Open"/> and <see cref="Close"/> must be quick, must not throw, and may be called from any thread.</summary>
internal interface IGated
{
    /// <summary>Whether other processes may accept on the same socket.</summary>
    bool IsShared { get; }

    /// <summary>Accept from now on.</summary>
    void Open();

    /// <summary>Start no further accept, and give back the slots that are reserved for one.</summary>
    void Close();
}
