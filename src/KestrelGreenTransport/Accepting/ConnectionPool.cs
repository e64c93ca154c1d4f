using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// The bound on the connections of one listening socket.
///
/// A connection holds one slot from before it is accepted until its ConnectionContext is disposed; a slot comes back
/// exactly once (<see cref="Slot"/>).
/// While there are waiters no slot is free: a returned slot goes to the one that has waited longest.
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

    /// <summary>A waiter has begun to wait for a slot. Raised on the thread that asks for it; handlers must be quick.</summary>
    public event Action? Full;

    /// <summary>A connection has ended. Raised on the thread that ended it; handlers must be quick.</summary>
    public event Action? Ended;

    /// <summary>Whether there is a waiter, and so no free slot.</summary>
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

    /// <summary>The address of its listener, as the worker contract writes it.</summary>
    public string Endpoint { get; }

    /// <summary>The number of connections, without slots that are only reserved for the next accept.</summary>
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

            // Created before it is counted: if there is no memory for it, no slot is lost.
            slot = new Slot(this);
            TakeFree();
        }

        Interleaving.Point("a slot is reserved");
        return true;
    }

    /// <summary>Reserves a slot for the waiter: at once, within this call, or when one comes back.</summary>
    public void Take(ISlotWaiter waiter)
    {
        Slot? slot = null;
        lock (_lock)
        {
            if (_free == 0)
            {
                _waiting.AddLast(waiter);
            }
            else
            {
                slot = new Slot(this);
                TakeFree();
            }
        }

        Interleaving.Point("a listener waits for a slot or has one");
        if (slot is null)
        {
            Full?.Invoke();
            return;
        }

        waiter.Granted(slot);
    }

    /// <summary>
    /// Stops waiting. False: the slot was already granted, or is being granted right now, and the waiter must give it back.
    /// </summary>
    public bool Forget(ISlotWaiter waiter)
    {
        lock (_lock)
        {
            return _waiting.Remove(waiter);
        }
    }

    /// <summary>Reserves a slot, waiting for one if necessary; null if cancelled before one was granted.</summary>
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
        var held = Interlocked.Increment(ref _held);
        Interlocked.Increment(ref _accepted);
        Debug.Assert(held <= Slots, $"{held} connections are held on {Endpoint}, which has {Slots} slots.");
    }

    internal void OnReturned(bool wasHeld)
    {
        if (wasHeld)
        {
            var held = Interlocked.Decrement(ref _held);
            Debug.Assert(held >= 0, $"More connections ended on {Endpoint} than began.");
        }

        Interleaving.Point("a slot comes back");
        HandOn();
        if (wasHeld)
        {
            Ended?.Invoke();
        }
    }

    /// <summary>A slot has come back: it goes to the waiter that has waited longest.</summary>
    private void HandOn()
    {
        ISlotWaiter waiter;
        lock (_lock)
        {
            if (_waiting.First is not { } first)
            {
                _free++;
                Debug.Assert(_free <= Slots, $"A slot of {Endpoint} came back twice: {_free} of {Slots} are free.");
                return;
            }

            Debug.Assert(_free == 0, $"A listener waits for a slot of {Endpoint} while {_free} are free.");

            _waiting.RemoveFirst();
            waiter = first.Value;
        }

        // Outside the lock: a waiter may give its slot back from within.
        Interleaving.Point("a slot is handed on");
        waiter.Granted(new Slot(this));
    }

    // Under the lock.
    private void TakeFree()
    {
        Debug.Assert(_free > 0 && _waiting.Count == 0, $"A slot of {Endpoint} was taken although listeners wait, or although none is free.");
        _free--;
    }
}
