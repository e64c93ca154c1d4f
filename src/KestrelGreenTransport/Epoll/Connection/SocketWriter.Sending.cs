using System.Diagnostics;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>Sending what was flushed: by the flush itself, by the loop, at the end of an event; until an abort or the close.</summary>
internal sealed partial class SocketWriter
{
    /// <summary>Whether the calling thread may use the descriptor: it stays open while this thread holds the lock.</summary>
    public bool HoldsDescriptor => _lock.IsHeldByCurrentThread && !_isClosed;

    /// <summary>Whether flushed bytes wait until the socket has room.</summary>
    public bool IsBlocked => Volatile.Read(ref _isBlocked);

    /// <summary>The loop runs the app on this thread for an event of this connection: its flushes there may be held back.</summary>
    public void BeginDispatch(LoopThread thread)
    {
        Debug.Assert(_corker is null && !_isCorked, "An event begins while what an earlier one held back is not sent.");
        _corker = thread;
    }

    /// <summary>The event is over: sends what was held back. For the thread that began it, while it still leads the loop.</summary>
    public void EndDispatch()
    {
        // Only this thread holds anything back, so it can check without a lock that it did not.
        Debug.Assert(_corker is null || _corker == LoopThread.Current, "An event ends on another thread than it began on.");
        _corker = null;
        Interleaving.Point("an event is over");
        if (_isCorked || _isEnding)
        {
            Uncork();
        }
    }

    /// <summary>Sends what was held back and stops holding back. For a thread that takes over the loop during the event.</summary>
    public void Uncork()
    {
        bool ends;
        lock (_lock)
        {
            _corker = null;
            if (_isCorked)
            {
                Debug.Assert(!_isBlocked, "Bytes are held back that the socket has no room for.");
                _isCorked = false;
                Send();
            }

            ends = _isEnding && !_isClosed;
            _isEnding = false;
        }

        if (ends)
        {
            _connection.OnDrained();
        }
    }

    /// <summary>The socket has room again, or has failed. A waiting flush is completed within this call: the app runs here.</summary>
    public void OnEvents()
    {
        if (!_isSending)
        {
            return;
        }

        Interleaving.Point("a socket has room again");

        bool completes;
        bool isDrained;
        lock (_lock)
        {
            if (!_isBlocked)
            {
                return;
            }

            _isBlocked = false;
            _isCorked = false;
            Send();
            completes = (_isDead || _unsent.Length < _pauseAt / 2) && StopWaiting();
            isDrained = _isCompleted && _unsent.Length == 0;
        }

        // Both can happen at once: the app completed its output, or returned, without awaiting its last flush.
        if (isDrained)
        {
            _connection.OnDrained();
            _drained?.TrySetResult();
        }

        if (completes)
        {
            _awaited.RunContinuationsAsynchronously = !_connection.RunsInline;
            _awaited.SetResult(true);
        }
    }

    // On the thread pool: sends what flushes there have gathered. If one of them is blocked by now, the loop sends it.
    void IThreadPoolWorkItem.Execute()
    {
        lock (_lock)
        {
            _isQueued = false;
            if (!_isBlocked)
            {
                Send();
            }
        }
    }

    /// <summary>Whether flushed bytes are not sent yet: the client reads slowly, or an event is not over.</summary>
    public bool HasUnsent
    {
        get
        {
            lock (_lock)
            {
                return _unsent.Length > 0;
            }
        }
    }

    /// <summary>Completes when everything that was flushed is sent, or never will be.</summary>
    public Task WhenDrained()
    {
        lock (_lock)
        {
            if (_unsent.Length == 0)
            {
                return Task.CompletedTask;
            }

            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _drained.Task;
        }
    }

    /// <summary>Runs an action on the descriptor, unless it is closed.</summary>
    public void IfOpen(Action<EpollConnection> use)
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                use(_connection);
            }
        }
    }

    /// <summary>Returns when a send that is under way has reported its result.</summary>
    public void AwaitSend()
    {
        lock (_lock)
        {
        }
    }

    /// <summary>
    /// Stops sending: flushes from now on report completion. Held-back bytes are sent first, as they would be if the connection
    /// did not end in the same event: a WebSocket's close frame says why it ends. What the kernel has no room for is dropped.
    /// <paramref name="last"/> then acts on the descriptor, unless it is closed.
    /// </summary>
    public void Kill(Action<EpollConnection> last)
    {
        bool completes;
        lock (_lock)
        {
            if (!_isBlocked)
            {
                Send();
            }

            if (!_isClosed)
            {
                last(_connection);
            }

            Die();
            completes = StopWaiting();
        }

        if (completes)
        {
            CompleteElsewhere();
        }
    }

    /// <summary>Releases the descriptor.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            Die();
            Commit();
        }

        _connection.OnHalfClosed();
    }

    private bool IsDispatching => _corker is { } corker && corker == LoopThread.Current;

    private bool MayCork() =>
        IsDispatching
        && !_isBlocked
        && _unsent.Length + _unflushed < _maxCorked
        && (_connection.CorksFreely || _connection.Reader.HasUnconsumed);

    private bool MayGather() =>
        !_isBlocked
        && _unsent.Length + _unflushed < _maxCorked
        && _connection.Reader.IsWaiting
        && LoopThread.Current is null;

    // Under the lock.
    private void Queue()
    {
        _connection.OnGathering();
        if (!_isQueued)
        {
            _isQueued = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    // On the app's thread, under the lock: moves what the app wrote to the bytes to be sent.
    private void Commit()
    {
        if (_tail is not { } tail)
        {
            return;
        }

        if (_isDead || (_unflushed == 0 && _first is not null))
        {
            _store.ReturnAll(_first ?? _shared, this);
            _first = _tail = _shared = null;
            _unflushed = 0;
            return;
        }

        _app.Enter("what is written and not flushed");
        if (_unflushed > 0 || _shared is not null)
        {
            _unsent.Add(_first, tail, _unflushed);
            _first = null;
            _unflushed = 0;
            _tail = _shared = null;
        }

        _app.Leave();
    }

    // Under the lock.
    private void Send()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "What is to be sent is touched without the writer's lock.");
        while (_unsent.Length > 0)
        {
            _isSending = true;
            var sent = _unsent.Send(_connection.Descriptor, _shared, out var isShort);
            if (sent >= 0 ? isShort : sent == -Errno.EAGAIN)
            {
                // The kernel's next edge says when there is room again.
                _isBlocked = true;
                _isCorked = false;
                _connection.EnsureWatched();
                Interlocked.MemoryBarrier();
                _connection.OnWaits();
                return;
            }

            if (sent < 0 && sent != -Errno.EINTR)
            {
                Die();
                _connection.OnSendError(-(int)sent);
            }
        }

        _isSending = false;
        _unsent.Trim(_shared);
    }

    // Under the lock.
    private void Die()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "What is to be sent is touched without the writer's lock.");
        _isDead = true;
        _isBlocked = false;
        _isCorked = false;
        _unsent.Clear(_shared);
        _drained?.TrySetResult();
    }
}
