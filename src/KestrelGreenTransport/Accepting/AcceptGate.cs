namespace KestrelGreenTransport.Accepting;

/// <summary>
/// Through this gate every listener of the process is told to accept or to leave its socket alone: a DI singleton.
///
/// When <see cref="Close"/> returns nobody starts an accept here any more, and no wake-up of the kernel's is spent on this
/// process: listeners are disarmed, and the slots that were reserved for the next accepts are free. The sockets stay bound
/// and open: clients wait in the kernel's queue, or a sibling takes them. A listener that is bound later finds the gate as
/// it is.
/// </summary>
internal sealed class AcceptGate(bool isOpen = true)
{
    private readonly Lock _lock = new();
    private readonly List<IGated> _listeners = [];
    private bool _isOpen = isOpen;
    private bool _sharedAreLeft;

    public bool IsOpen => Volatile.Read(ref _isOpen);

    /// <summary>Has all listeners accept.</summary>
    public void Open() => Turn(isOpen: true);

    /// <summary>Has all listeners leave their sockets.</summary>
    public void Close() => Turn(isOpen: false);

    /// <summary>
    /// Has those listeners leave for good whose sockets other processes may accept on. What waits at a socket of this process
    /// alone nobody else would ever take.
    /// </summary>
    public void CloseShared()
    {
        lock (_lock)
        {
            _sharedAreLeft = true;
            _listeners.FindAll(IsLeft).ForEach(static listener => listener.Close());
        }
    }

    /// <summary>A listener begins, not accepting yet; it is told to within this call where the gate is open.</summary>
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

    /// <summary>A listener has ended; it is not told anything any more.</summary>
    public void Leave(IGated listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
        }
    }

    // Under the lock, so that all listeners hear the last word last.
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

/// <summary>A listener behind the gate. Both must be quick, must not throw, and may be called from any thread.</summary>
internal interface IGated
{
    /// <summary>Whether other processes may accept on the same socket.</summary>
    bool IsShared { get; }

    /// <summary>Accept from now on.</summary>
    void Open();

    /// <summary>Start no further accept, and let go of the slots that are reserved for one.</summary>
    void Close();
}
