using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.IO;

/// <summary>
/// The sending half of a connection: a PipeWriter directly on the socket. A flush sends on the thread that flushes.
///
/// The app owns what it has not flushed (<c>_first</c>, <c>_tail</c>, <c>_unflushed</c>), and uses it from one thread at a
/// time, as for every PipeWriter. Everything else is used under the lock: by a flush, by the loop when the socket has
/// room again, by the thread that takes a loop over and sends what was held back, by an abort from anywhere.
/// While there is a tail it is reached from exactly one of <c>_first</c> (blocks that no flush has seen) and
/// <c>_shared</c> (the flushed block behind whose end the app goes on writing).
///
/// Corking: while the loop runs the app for an event of this connection and more of its input lies unconsumed, a flush
/// on that same thread only queues; what is queued leaves in one piece with the first flush that finds no input left, or
/// at the end of the event. So 16 pipelined responses are one send.
/// </summary>
internal sealed class SocketWriter : PipeWriter, IValueTaskSource<FlushResult>
{
    /// <summary>No more than this is held back.</summary>
    private const int MaxCorked = 32 * 1024;

    private readonly EpollConnection _connection;
    private readonly BlockStore _store;
    private readonly long _pauseAt;
    private readonly long _maxCorked;
    private readonly Lock _lock = new();
    private readonly UnsentBytes _unsent;

    private Block? _first;
    private Block? _tail;
    private long _unflushed;
    private bool _isCompleted;

    private ManualResetValueTaskSourceCore<bool> _awaited;
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private Exception? _cancellation;
    private bool _isWaiting;
    private bool _cancelFlush;

    // Read by the loop without the lock: raised before the first send of a flush, lowered when all of it is sent.
    private volatile bool _isSending;
    private bool _isBlocked;
    private bool _isDead;
    private bool _isClosed;
    private Block? _shared;
    private LoopThread? _corker;
    private bool _isCorked;
    private TaskCompletionSource? _drained;

    public SocketWriter(EpollConnection connection, BlockStore store, long? pauseAt)
    {
        _connection = connection;
        _store = store;
        _pauseAt = pauseAt ?? long.MaxValue;
        _maxCorked = Math.Min(MaxCorked, _pauseAt / 2);
        _unsent = new UnsentBytes(store);
    }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushed;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        var tail = TailWithRoom(sizeHint);
        return tail.Whole[tail.End..];
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        var tail = TailWithRoom(sizeHint);
        return tail.Whole.Span[tail.End..];
    }

    public override void Advance(int bytes)
    {
        if (_tail is not { } tail || (uint)bytes > (uint)tail.Free)
        {
            if (bytes == 0)
            {
                return;
            }

            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "Cannot advance past the end of what GetMemory or GetSpan gave.");
        }

        tail.End += bytes;
        _unflushed += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool mustWait;
        FlushResult result;
        lock (_lock)
        {
            var corks = MayCork();
            Commit(keepsTail: corks);
            if (corks)
            {
                _isCorked = true;
            }
            else if (!_isBlocked)
            {
                _isCorked = false;
                Send();
            }

            mustWait = _unsent.Length >= _pauseAt && !_cancelFlush;
            if (mustWait && !cancellationToken.CanBeCanceled)
            {
                StartWaiting();
                return new(this, _awaited.Version);
            }

            result = mustWait ? default : TakeResult();
        }

        return mustWait ? WaitCancellable(cancellationToken) : new(result);
    }

    public override void CancelPendingFlush()
    {
        lock (_lock)
        {
            _cancelFlush = true;
            if (!StopWaiting())
            {
                return;
            }
        }

        CompleteElsewhere();
    }

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
        {
            return;
        }

        _isCompleted = true;
        if (exception is not null)
        {
            _connection.Abort(exception);
        }

        bool isDrained;
        lock (_lock)
        {
            Commit(keepsTail: false);
            _isCorked = false;
            if (!_isBlocked)
            {
                Send();
            }

            isDrained = _unsent.Length == 0;
        }

        if (isDrained)
        {
            _connection.OnDrained();
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        _awaited.GetResult(token);
        if (_token.CanBeCanceled)
        {
            _registration.Dispose();
            _token = default;
        }

        lock (_lock)
        {
            if (_cancellation is { } cancellation)
            {
                _cancellation = null;
                throw cancellation;
            }

            return TakeResult();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _awaited.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _awaited.OnCompleted(continuation, state, token, flags);

    /// <summary>The loop runs the app on this thread for an event of this connection: its flushes there may be held back.</summary>
    public void BeginDispatch(LoopThread thread) => _corker = thread;

    /// <summary>The event is over: sends what was held back. For the thread that began it.</summary>
    public void EndDispatch()
    {
        // Only this thread holds anything back, so that it needs no lock to see that it did not.
        _corker = null;
        if (_isCorked)
        {
            Uncork();
        }
    }

    /// <summary>Sends what was held back and forbids to hold back more. For a thread that takes the loop over during the event.</summary>
    public void Uncork()
    {
        lock (_lock)
        {
            _corker = null;
            if (_isCorked)
            {
                _isCorked = false;
                if (!_isBlocked)
                {
                    Send();
                }
            }
        }
    }

    /// <summary>The socket has room again, or has failed. A flush that waits is completed within this call: the app runs here.</summary>
    public void OnEvents()
    {
        if (!_isSending)
        {
            return;
        }

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

        if (completes)
        {
            _awaited.RunContinuationsAsynchronously = !_connection.RunsInline;
            _awaited.SetResult(true);
        }
        else if (isDrained)
        {
            _connection.OnDrained();
            _drained?.TrySetResult();
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

    /// <summary>
    /// Nothing more is sent: what waits is dropped, and flushes say that they are completed. <paramref name="last"/> is
    /// done to the descriptor unless it is closed already.
    /// </summary>
    public void Kill(Action<EpollConnection>? last)
    {
        bool completes;
        lock (_lock)
        {
            if (!_isClosed)
            {
                last?.Invoke(_connection);
            }

            Die();
            completes = StopWaiting();
        }

        if (completes)
        {
            CompleteElsewhere();
        }
    }

    /// <summary>Lets go of the descriptor.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            Die();
            Commit(keepsTail: false);
        }

        _connection.OnHalfClosed();
    }

    private Block TailWithRoom(int size)
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }

        if (_tail is { } tail && tail.Free >= Math.Max(size, 1))
        {
            return tail;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(size, "sizeHint");
        var block = size <= 1 ? _store.Rent() : _store.Rent(size);
        if (_tail is null)
        {
            _first = block;
        }
        else
        {
            _tail.Append(block);
        }

        _tail = block;
        return block;
    }

    private bool MayCork() =>
        _corker is { } corker
        && corker == LoopThread.Current
        && !_isBlocked
        && _unsent.Length + _unflushed < _maxCorked
        && _connection.Reader.HasUnconsumed;

    // The app's thread, under the lock: what it wrote becomes part of what is to be sent.
    private void Commit(bool keepsTail)
    {
        if (_tail is not { } tail)
        {
            return;
        }

        if (_isDead || (_unflushed == 0 && _first is not null && !keepsTail))
        {
            _store.ReturnAll(_first ?? _shared);
            _first = _tail = _shared = null;
            _unflushed = 0;
            return;
        }

        if (_unflushed > 0 || _shared is not null)
        {
            _unsent.Add(_first, tail, _unflushed);
            _first = null;
            _unflushed = 0;
            _shared = keepsTail ? tail : null;
            _tail = _shared;
        }
    }

    // Under the lock.
    private void Send()
    {
        while (_unsent.Length > 0)
        {
            _isSending = true;
            var sent = _unsent.Send(_connection.Descriptor, _shared, out var isShort);
            if (sent >= 0 ? isShort : sent == -Errno.EAGAIN)
            {
                // The kernel's next edge says when there is room again.
                _isBlocked = true;
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
        _isDead = true;
        _isBlocked = false;
        _isCorked = false;
        _unsent.Clear(_shared);
        _drained?.TrySetResult();
    }

    private FlushResult TakeResult()
    {
        var isCancelled = _cancelFlush;
        _cancelFlush = false;
        return new FlushResult(isCancelled, isCompleted: _isDead);
    }

    private void StartWaiting()
    {
        _awaited.Reset();
        _isWaiting = true;
    }

    private bool StopWaiting()
    {
        var waited = _isWaiting;
        _isWaiting = false;
        return waited;
    }

    private ValueTask<FlushResult> WaitCancellable(CancellationToken cancellationToken)
    {
        _token = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(static writer => ((SocketWriter)writer!).OnTokenCancelled(), this);
        FlushResult? result = null;
        lock (_lock)
        {
            if (_unsent.Length < _pauseAt / 2 || _cancelFlush)
            {
                result = TakeResult();
            }
            else
            {
                StartWaiting();
            }
        }

        if (result is not null)
        {
            _registration.Dispose();
            _token = default;
            return new(result.Value);
        }

        // The callback may have run before there was a waiter to find.
        if (cancellationToken.IsCancellationRequested)
        {
            OnTokenCancelled();
        }

        return new(this, _awaited.Version);
    }

    private void OnTokenCancelled()
    {
        lock (_lock)
        {
            if (!StopWaiting())
            {
                return;
            }

            _cancellation = new OperationCanceledException(_token);
        }

        CompleteElsewhere();
    }

    /// <summary>Completes the waiting flush from a thread that has its own work to do: the app continues on the thread pool.</summary>
    private void CompleteElsewhere()
    {
        _awaited.RunContinuationsAsynchronously = true;
        _awaited.SetResult(true);
    }
}
