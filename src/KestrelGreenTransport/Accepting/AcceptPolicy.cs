using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Accepting;

/// <summary>What to do after an accept failed.</summary>
internal enum AcceptAction
{
    /// <summary>Nothing is wrong: accept again when the listener is readable.</summary>
    Retry,

    /// <summary>Do not accept until the delay is over.</summary>
    Pause,

    /// <summary>This listener will never accept again.</summary>
    End,
}

/// <param name="Action">What to do.</param>
/// <param name="Delay">For <see cref="AcceptAction.Pause"/>: how long.</param>
/// <param name="IsNews">Whether to log it: the first of a run of failures, or the first of another kind.</param>
internal readonly record struct AcceptVerdict(AcceptAction Action, TimeSpan Delay, bool IsNews);

/// <summary>
/// When to accept again after a failure: the policy of gevent's BaseServer (min_delay, max_delay, is_fatal_error). It
/// decides purely; the backend acts. One instance for each listener, used by one thread at a time.
///
/// The delay doubles from the shortest to the longest while failures follow each other, and one success resets it: a loop
/// that obeys never spins, and ends only if the descriptor is not a listening socket.
/// </summary>
internal sealed class AcceptPolicy(TimeSpan minDelay, TimeSpan maxDelay)
{
    private int _lastError;
    private TimeSpan _lastDelay;

    /// <summary>Failures since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>An accept succeeded.</summary>
    /// <returns>How many failures it ended; 0 if there were none.</returns>
    public int OnSuccess()
    {
        var ended = Failures;
        if (ended != 0)
        {
            Failures = 0;
            _lastError = 0;
        }

        return ended;
    }

    /// <summary>An accept failed.</summary>
    /// <param name="errno">The kernel's reason, one of <see cref="Errno"/>.</param>
    public AcceptVerdict OnError(int errno)
    {
        switch (errno)
        {
            // Another process accepted the client, or a signal interrupted the call.
            case Errno.EAGAIN or Errno.EINTR:
                return new AcceptVerdict(AcceptAction.Retry, TimeSpan.Zero, IsNews: false);

            // This will never be a listening socket again.
            case Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK:
                return new AcceptVerdict(AcceptAction.End, TimeSpan.Zero, IsNews: true);
        }

        // Out of descriptors or memory, a client that left early, a network error that accept(2) passes on: may be temporary.
        var isNews = errno != _lastError;
        var delay = Failures == 0 ? minDelay : _lastDelay < maxDelay / 2 ? _lastDelay * 2 : maxDelay;
        _lastError = errno;
        _lastDelay = delay;
        Failures++;
        return new AcceptVerdict(AcceptAction.Pause, delay, isNews);
    }
}
