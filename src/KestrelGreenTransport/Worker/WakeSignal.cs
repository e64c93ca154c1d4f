using KestrelGreenTransport.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Worker;

/// <summary>Wakes the beat thread from poll(2), from any thread.</summary>
internal sealed unsafe class WakeSignal : IDisposable
{
    private readonly SafeFileHandle _event;

    /// <exception cref="IOException">No descriptor is left.</exception>
    public WakeSignal()
    {
        var made = Result.From(LibcWorker.eventfd(0, LibcWorker.EFD_CLOEXEC | LibcWorker.EFD_NONBLOCK));
        _event = made.Ok
            ? new SafeFileHandle((nint)made.Value, ownsHandle: true)
            : throw new IOException($"cannot create an eventfd for the heartbeat: {made.Message}. Raise the limit on open files (ulimit -n).");
    }

    /// <summary>Polled for POLLIN, by a thread that ends before the signal is disposed.</summary>
    public int Descriptor => (int)_event.DangerousGetHandle();

    /// <summary>Wakes the poller, now or at its next poll. Does nothing once the poller has ended.</summary>
    public void Set()
    {
        try
        {
            ulong one = 1;
            _ = LibcWorker.write(_event, (byte*)&one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The poller has ended; there is no thread to wake.
        }
    }

    /// <summary>Consumes the wake-ups so far. Called by the poller before it looks for the reason.</summary>
    public void Reset()
    {
        ulong count;
        _ = LibcWorker.read(_event, (byte*)&count, sizeof(ulong));
    }

    public void Dispose() => _event.Dispose();
}
