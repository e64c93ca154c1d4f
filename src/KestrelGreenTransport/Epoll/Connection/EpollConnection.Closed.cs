namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>ConnectionClosed fires once, and DisposeAsync does not complete before its callbacks have.</summary>
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

    // A caller that asks for the token wants to hear of the end even if it never reads.
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

    /// <summary>Whether ConnectionClosed has fired: the app was told of the end, or has disposed the connection itself.</summary>
    private bool HasTold => Volatile.Read(ref _firing) == Fired;

    // On the pool: the app's callbacks would hold up the loop's other connections.
    private void FireClosed()
    {
        if (Interlocked.CompareExchange(ref _firing, Firing, NotFired) == NotFired)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    // The client half-closed after its request, and the app has not begun to read: if Kestrel heard of the end before the
    // request, it would drop the answer. An app that reads will begin soon. After FirstReadLimit the app is told in any case,
    // also one that has since read and now waits only to be told that its client has left.
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
        // Most connections end because the app is done with them: nothing listens any more, so do not wake a thread.
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
