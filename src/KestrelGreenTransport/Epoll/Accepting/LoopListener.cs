using System.Diagnostics;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Accepting;

/// <summary>
/// One listening socket in one event loop.
///
/// The listener is armed (in the epoll set) only while a slot is reserved here for the next connection. So a wake-up always
/// tries to accept, and a full worker swallows none.
/// It is level-triggered: after one of several waiting clients is accepted it is still ready, where an edge would be lost.
/// EPOLLEXCLUSIVE wakes one of the sleeping loops and processes, not all of them.
/// </summary>
internal sealed unsafe partial class LoopListener : ILoopSource, ISlotWaiter
{
    private readonly EpollAcceptor _acceptor;
    private readonly ListenerContext _listener;
    private readonly EventLoop _loop;
    private readonly ulong _number;
    private readonly Lock _lock = new();
    private Slot? _slot;
    private bool _isArmed;
    private bool _isWaiting;
    private bool _isOpen;
    private bool _isUnbound;

    public LoopListener(EpollAcceptor acceptor, ListenerContext listener, EventLoop loop)
    {
        _acceptor = acceptor;
        _listener = listener;
        _loop = loop;
        _number = loop.Add(this);
        BeginSharing();
    }

    /// <summary>The gate is open: reserves a slot, at once or when one is free, and then arms the listener.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _isOpen = true;
        }

        Resume();
    }

    /// <summary>The gate is closed: no accept is under way when this returns, and none follows before it opens.</summary>
    public void Close()
    {
        Slot? slot;
        lock (_lock)
        {
            _isOpen = false;
            slot = LetGo();
            AssertWhole();
        }

        slot?.GiveBack();
    }

    /// <summary>Reserves a slot and arms the listener; nothing happens while it is closed, unbound, standing back or has a slot.</summary>
    public void Resume()
    {
        bool waits;
        lock (_lock)
        {
            if (!_isOpen || _isUnbound || _isWaiting || _standsBack || _slot is not null)
            {
                return;
            }

            waits = _isWaiting = !_listener.Pool.TryTake(out _slot);
            AssertWhole();
        }

        // The result of this call, not what another thread has made of it since: after a LetGo and a Resume in between both would
        // wait for a slot, and the second slot granted would overwrite the first.
        Interleaving.Point("a listener has a slot or waits for one");
        if (waits)
        {
            _listener.Reporter.PoolFull();
            _listener.Pool.Take(this);
        }
        else
        {
            Arm();
        }
    }

    // Called by the thread that ended a connection.
    void ISlotWaiter.Granted(Slot slot)
    {
        lock (_lock)
        {
            Debug.Assert(_isWaiting && _slot is null, "A listener is granted a second slot: the first one would never come back.");
            _slot = slot;
            _isWaiting = false;
            AssertWhole();
        }

        Arm();
    }

    void ILoopSource.OnEvents(uint events)
    {
        for (var accepted = 0; accepted < _listener.AcceptBatch; accepted++)
        {
            if (!TryAcceptOne())
            {
                return;
            }

            if (Allowance() == 0)
            {
                StandBack();
                return;
            }
        }
    }

    /// <summary>Stops for good. After it returns, the listening socket is never used here again.</summary>
    public void Unbind()
    {
        Slot? slot;
        lock (_lock)
        {
            _isUnbound = true;
            slot = LetGo();
            AssertWhole();
        }

        slot?.GiveBack();
        EndSharing();
        _loop.Remove(_number);
    }

    /// <summary>Accepts one connection. Returns whether to accept another.</summary>
    private bool TryAcceptOne()
    {
        var address = stackalloc byte[SocketCalls.MaxAddress];
        var length = (uint)SocketCalls.MaxAddress;
        Slot? slot;
        int descriptor;
        var errno = 0;
        var goesOn = false;
        lock (_lock)
        {
            slot = _slot;
            if (slot is null)
            {
                return false;
            }

            descriptor = _acceptor.IsShortOfDescriptors()
                ? -Errno.EMFILE
                : SocketCalls.accept4(_listener.Socket.Descriptor, address, &length, SocketCalls.SOCK_NONBLOCK | SocketCalls.SOCK_CLOEXEC);
            if (descriptor >= 0)
            {
                _acceptor.BeginHandOver();
                goesOn = TryTakeNext();
            }
            else
            {
                errno = descriptor == -1 ? SocketCalls.LastError : -descriptor;
                if (errno is Errno.EAGAIN or Errno.EINTR)
                {
                    return false;
                }

                Disarm();
            }

            AssertWhole();
        }

        if (descriptor < 0)
        {
            slot.GiveBack();
            _acceptor.OnError(errno, this);
            return false;
        }

        // Whatever throws here, slot and descriptor have one owner: the connection, or this call, which then gives both up.
        try
        {
            slot.Hold();
            NoteAccepted();
            _acceptor.HandOver(descriptor, slot, KernelAddress.Read(address, length));
        }
        catch (Exception exception)
        {
            _acceptor.GiveUp(descriptor, slot, exception);
        }

        _acceptor.EndHandOver();
        if (!goesOn)
        {
            Resume();
        }

        return goesOn;
    }

    /// <summary>
    /// The slot now belongs to the accepted connection. Takes another one for the next accept, or disarms the listener, which
    /// then waits for one.
    /// </summary>
    private bool TryTakeNext()
    {
        _slot = null;
        try
        {
            if (_listener.Pool.TryTake(out _slot))
            {
                return true;
            }
        }
        catch (OutOfMemoryException)
        {
            // As if no slot were free: the connection that is already accepted comes first.
        }

        Disarm();
        return false;
    }

    private void Arm()
    {
        Slot? unused = null;
        var armed = new Result(0, 0);
        lock (_lock)
        {
            if (_isUnbound || !_isOpen || _standsBack)
            {
                unused = Disarm();
            }
            else if (_slot is not null && !_isArmed)
            {
                armed = _loop.Watch(_listener.Socket.Descriptor, EpollCalls.EPOLLIN | EpollCalls.EPOLLEXCLUSIVE, _number);
                _isArmed = armed.Ok;
                if (!armed.Ok)
                {
                    unused = Disarm();
                }
            }

            AssertWhole();
        }

        // Never under the lock: giving a slot back grants it to the next waiter within this call.
        unused?.GiveBack();
        if (!armed.Ok)
        {
            _acceptor.OnError(armed.Error, this);
        }
    }

    /// <summary>Leaves the listener neither armed nor waiting for a slot; a slot being granted right now is given back by <see cref="Arm"/>.</summary>
    private Slot? LetGo()
    {
        if (_isWaiting && _listener.Pool.Forget(this))
        {
            _isWaiting = false;
        }

        return Disarm();
    }

    /// <summary>Removes the listener from the epoll set and returns the slot that it held.</summary>
    private Slot? Disarm()
    {
        if (_isArmed)
        {
            _isArmed = false;
            _ = _loop.Unwatch(_listener.Socket.Descriptor);
        }

        var slot = _slot;
        _slot = null;
        return slot;
    }

    // Under the lock, after each change.
    [Conditional("DEBUG")]
    private void AssertWhole()
    {
        Debug.Assert(!_isArmed || _slot is not null, "A listener is armed without a slot: a wake-up would be swallowed.");
        Debug.Assert(!_isWaiting || _slot is null, "A listener that has a slot waits for another one, which would never come back.");
        Debug.Assert(!_isArmed || (_isOpen && !_isUnbound && !_standsBack), "A listener is armed that should leave its clients to others.");
    }
}
