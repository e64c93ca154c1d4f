using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>Wakes a thread out of poll(2), from any thread.</summary>
internal sealed class WakeEvent : IDisposable
{
    private readonly Descriptor _event;

    public WakeEvent()
    {
        var created = Result.From(Posix.eventfd(0, Posix.EFD_CLOEXEC | Posix.EFD_NONBLOCK));
        _event = created.Ok ? new Descriptor((int)created.Value) : throw new NativeException("eventfd", created);
    }

    /// <summary>Poll it for POLLIN.</summary>
    public int Number => _event.Number;

    /// <summary>Wakes the poller, now or at its next poll. Harmless after the poller has ended.</summary>
    public unsafe void Set()
    {
        var held = false;
        try
        {
            _event.DangerousAddRef(ref held);
            ulong one = 1;
            _ = Libc.write(_event.Number, (byte*)&one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The poller has ended; there is nothing to wake.
        }
        finally
        {
            if (held)
            {
                _event.DangerousRelease();
            }
        }
    }

    /// <summary>Clears the wake-ups so far. The poller calls this before it looks at what it was woken for.</summary>
    public unsafe void Reset()
    {
        ulong count;
        _ = Libc.read(_event.Number, (byte*)&count, sizeof(ulong));
    }

    public void Dispose() => _event.Dispose();
}
