using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Native;

/// <summary>Wakes a thread out of poll(2) or epoll_wait(2), from any thread, by an eventfd(2).</summary>
internal sealed unsafe class WakeEvent : IDisposable
{
    private readonly SafeFileHandle _event;

    /// <exception cref="IOException">No descriptor is left.</exception>
    public WakeEvent()
    {
        var created = Result.FromRaw(EpollCalls.eventfd(0, EpollCalls.EFD_CLOEXEC | EpollCalls.EFD_NONBLOCK));
        _event = created.Ok
            ? new SafeFileHandle((nint)created.Value, ownsHandle: true)
            : throw new IOException($"eventfd: {created.Message}. Raise the limit on open files (ulimit -n).");
    }

    /// <summary>Poll it for POLLIN, on a thread that stops polling before this is disposed.</summary>
    public int Number => (int)_event.DangerousGetHandle();

    /// <summary>Wakes the poller, now or at its next poll. Harmless after the poller has ended.</summary>
    public void Set()
    {
        if (_event.IsClosed)
        {
            return;
        }

        var isHeld = false;
        try
        {
            // Once closed, the number may belong to another file.
            _event.DangerousAddRef(ref isHeld);
            ulong one = 1;
            _ = SocketCalls.write(Number, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // It was closed just now: there is no poller to wake.
        }
        finally
        {
            if (isHeld)
            {
                _event.DangerousRelease();
            }
        }
    }

    /// <summary>Clears the wake-ups so far. The poller calls this before it looks at what it was woken for.</summary>
    public void Reset()
    {
        ulong count;
        _ = SocketCalls.read(Number, &count, sizeof(ulong));
    }

    public void Dispose() => _event.Dispose();
}
