using System.Diagnostics.CodeAnalysis;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// The bound on the connections of one listening socket.
///
/// A connection holds one slot from before it is accepted until its ConnectionContext is disposed; a slot comes back
/// exactly once (<see cref="Slot"/>).
/// While anybody waits no slot is free: a returned slot goes to the one who waited longest, never past them.
/// </summary>
internal sealed class ConnectionPool : IPoolFigures
{
    private readonly Lock _lock = new();
    private readonly LinkedList<ISlotWaiter> _waiting = new();
    private int _free;
    private long _held;
    private long _accepted;

    public ConnectionPool(string endpoint, int slots)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        Endpoint = endpoint;
        Slots = slots;
        _free = slots;
    }

    /// <summary>Somebody has begun to wait for a slot. Raised by who takes one, and quick.</summary>
    public event Action? Full;

    /// <summary>A connection has ended. Raised by who ended it, and quick.</summary>
    public event Action? Ended;

    /// <summary>Whether somebody waits for a slot, and so none is free.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count > 0;
            }
        }
    }

    /// <summary>Where its listener listens, as the worker contract writes it.</summary>
    public string Endpoint { get; }

    /// <summary>Connections, without the slots that are only reserved for the next accept.</summary>
    public long Held => Interlocked.Read(ref _held);

    public long Slots { get; }

    public bool IsInUse
    {
        get
        {
            lock (_lock)
            {
                return _free != Slots;
            }
        }
    }

    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Reserves a slot if one is free.</summary>
    public bool TryTake([NotNullWhen(true)] out Slot? slot)
    {
        lock (_lock)
        {
            if (_free == 0)
            {
                slot = null;
                return false;
            }

            _free--;
        }

        slot = new Slot(this);
        return true;
    }

    /// <summary>Reserves a slot for the waiter: at once, within this call, or when one comes back.</summary>
    public void Take(ISlotWaiter waiter)
    {
        var isFull = false;
        lock (_lock)
        {
            isFull = _free == 0;
            if (isFull)
            {
                _waiting.AddLast(waiter);
            }
            else
            {
                _free--;
            }
        }

        if (isFull)
        {
            Full?.Invoke();
            return;
        }

        waiter.Granted(new Slot(this));
    }

    /// <summary>
    /// Stops waiting. False: the slot was granted already, or is being granted right now, and the waiter must give it back.
    /// </summary>
    public bool Forget(ISlotWaiter waiter)
    {
        lock (_lock)
        {
            return _waiting.Remove(waiter);
        }
    }

    /// <summary>Reserves a slot, waiting for one if need be; null when cancelled before one was granted.</summary>
    public ValueTask<Slot?> TakeAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return default;
        }

        if (TryTake(out var slot))
        {
            return new(slot);
        }

        return AwaitedSlot.TakeAsync(this, cancellationToken);
    }

    internal void OnAccepted()
    {
        Interlocked.Increment(ref _held);
        Interlocked.Increment(ref _accepted);
    }

    internal void OnReturned(bool wasHeld)
    {
        if (wasHeld)
        {
            Interlocked.Decrement(ref _held);
        }

        HandOn();
        if (wasHeld)
        {
            Ended?.Invoke();
        }
    }

    /// <summary>A slot has come back: it goes to the one who waited longest.</summary>
    private void HandOn()
    {
        ISlotWaiter waiter;
        lock (_lock)
        {
            if (_waiting.First is not { } first)
            {
                _free++;
                return;
            }

            _waiting.RemoveFirst();
            waiter = first.Value;
        }

        // Outside of the lock: a waiter may give its slot back from within.
        waiter.Granted(new Slot(this));
    }
}
