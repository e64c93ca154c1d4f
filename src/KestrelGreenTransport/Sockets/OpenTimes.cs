using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Sockets;

/// <summary>The gate for an acceptor that awaits: a token that is cancelled when the gate closes, and a wait for the next opening.</summary>
internal sealed class OpenTimes(bool isShared) : IGated, IDisposable
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _closed = new();
    private bool _isOpen;

    public bool IsShared => isShared;

    /// <summary>Cancelled when the gate closes, or already cancelled if it is closed.</summary>
    public CancellationToken UntilClosed
    {
        get
        {
            lock (_lock)
            {
                return _isOpen ? _closed.Token : new CancellationToken(canceled: true);
            }
        }
    }

    public void Open()
    {
        lock (_lock)
        {
            _isOpen = true;
            _opened.TrySetResult();
        }
    }

    public void Close()
    {
        CancellationTokenSource closed;
        lock (_lock)
        {
            if (!_isOpen)
            {
                return;
            }

            _isOpen = false;
            closed = _closed;
            _closed = new CancellationTokenSource();
            _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        // Not disposed: a registration that meets a disposed source is dropped, and an acceptor would outlast the closing.
        closed.Cancel();
    }

    /// <summary>Only after the gate was left, when no task waits any more.</summary>
    public void Dispose() => _closed.Dispose();

    /// <summary>Waits until the gate is open; false if cancelled before.</summary>
    public async Task<bool> WaitAsync(CancellationToken cancelled)
    {
        Task opened;
        lock (_lock)
        {
            opened = _opened.Task;
        }

        try
        {
            await opened.WaitAsync(cancelled);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
