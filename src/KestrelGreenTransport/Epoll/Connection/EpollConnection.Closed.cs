namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>ConnectionClosed: fires once, and DisposeAsync does not end before its callbacks have.</summary>
internal sealed partial class EpollConnection
{
    private const int NotFired = 0;
    private const int Firing = 1;
    private const int Fired = 2;
    private static readonly TimeSpan FirstReadLimit = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _closed = new();
    private CancellationToken _connectionClosed;
    private int _firing;
    private TaskCompletionSource? _fired;
    private ITimer? _firstRead;

    // Who looks at it wants to hear of the end, read or not.
    public override CancellationToken ConnectionClosed
    {
        get
        {
            EnsureWatched();
            return _connectionClosed;
        }
        set => _connectionClosed = value;
    }

    void IThreadPoolWorkItem.Execute()
    {
        CancelClosed();
        lock (_closed)
        {
            _firing = Fired;
        }

        _fired?.SetResult();
        LetGo();
    }

    /// <summary>Whether the app was told that the connection has ended, before it ended it itself.</summary>
    private bool HasTold => Volatile.Read(ref _firing) == Fired;

    // The app's callbacks run there: never on the loop, whose other connections would wait for them.
    private void FireClosed()
    {
        if (Interlocked.CompareExchange(ref _firing, Firing, NotFired) == NotFired)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    // A client that half-closes after its request, which nobody has begun to read: Kestrel would drop the answer if it heard
    // of the end before the request. Whoever reads at all will soon. A little later all hear of it: also those who have read
    // meanwhile, and wait for nothing more but to be told that their client has left.
    private bool FireClosedUnlessRead()
    {
        if (Reader.HasBegun)
        {
            FireClosed();
            return true;
        }

        _firstRead ??= _loop.Time.CreateTimer(static connection => ((EpollConnection)connection!).FireClosed(), this, FirstReadLimit, Timeout.InfiniteTimeSpan);
        return false;
    }

    private Task WhenClosedFired()
    {
        // Most connections end because the app is done with them: nobody listens any more, and no thread is woken for it.
        if (Interlocked.CompareExchange(ref _firing, Fired, NotFired) == NotFired)
        {
            CancelClosed();
            return Task.CompletedTask;
        }

        lock (_closed)
        {
            if (_firing == Fired)
            {
                return Task.CompletedTask;
            }

            _fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _fired.Task;
        }
    }

    private void CancelClosed()
    {
        try
        {
            _closed.Cancel();
        }
        catch (Exception exception)
        {
            Log.ClosedCallbackFailed(_loop.Logger, exception, ConnectionId);
        }
    }
}
