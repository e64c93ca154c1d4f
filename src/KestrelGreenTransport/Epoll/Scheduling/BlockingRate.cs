namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>
/// Whether handlers block so often that a loop should be handed on before each of them, decided over windows of 100 ms.
///
/// Waiting for the guard costs up to one threshold for each handler that blocks; handing on costs a few microseconds for
/// every handler. Handlers that compute do not count: on a busy core handing on slows them down (measured: 3,900 requests a
/// second with it, 6,600 without).
/// </summary>
internal sealed class BlockingRate
{
    private const int StartsAt = 20;
    private const int StopsBelow = 5;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(100);

    private TimeSpan _windowStart;
    private int _inWindow;

    /// <summary>Whether to hand the loop on.</summary>
    public bool IsFrequent { get; private set; }

    /// <summary>Adds the number of handlers that were found to block since the last call.</summary>
    public void Add(int blocked, TimeSpan now)
    {
        _inWindow += blocked;
        if (_inWindow >= StartsAt)
        {
            IsFrequent = true;
        }

        if (now - _windowStart >= Window)
        {
            IsFrequent = IsFrequent && _inWindow >= StopsBelow;
            _windowStart = now;
            _inWindow = 0;
        }
    }
}
