using System.Diagnostics;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Epoll.Memory;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// The sending half of a connection: a PipeWriter directly on the socket. A flush sends on the thread that flushes.
///
/// The app owns what it has not flushed (<c>_first</c>, <c>_tail</c>, <c>_unflushed</c>), and uses it from one thread at a
/// time, as for every PipeWriter. Everything else is used under the lock: by a flush, by the loop when the socket has
/// room again, by the thread that takes over a loop and sends what was held back, by an abort from anywhere.
/// A tail is reached from exactly one of <c>_first</c> (blocks that were never flushed) and <c>_shared</c> (the flushed
/// block behind whose end the app continues to write). A flush gives away all blocks, so that an idle connection holds
/// none; if the app writes more before the last block is sent, it gets that block back to continue behind its end.
///
/// Corking: while the loop runs the app for an event of this connection, a flush on that thread only queues; the queue is
/// sent in one piece at the end of the event, when the app waits for something or is done. So 16 pipelined responses are
/// one send, and so are a response's head, chunk and last chunk, which Kestrel flushes one by one.
/// A handler that runs for long without waiting holds its bytes back only for as long as it holds the loop: the thread that
/// takes the loop over sends them. Without a guard no thread would, so a flush queues only while more input is unconsumed.
///
/// Gathering: a flush on the thread pool while a read waits is typical of a protocol that does many things at once, above
/// all HTTP/2, whose frames are flushed one by one. The pool sends it, after the work that is queued there already.
/// </summary>
internal sealed partial class SocketWriter : PipeWriter, IValueTaskSource<FlushResult>, IThreadPoolWorkItem
{
    /// <summary>The most bytes that are held back.</summary>
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
    private bool _mayReopen;
    private bool _isCompleted;
    private OneAtATime _app;

    private ManualResetValueTaskSourceCore<bool> _awaited;
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private Exception? _cancellation;
    private bool _isWaiting;
    private bool _cancelFlush;

    // Read by the loop without the lock: set before the first send of a flush, cleared when all of it is sent.
    private volatile bool _isSending;
    private bool _isBlocked;
    private bool _isDead;
    private bool _isClosed;
    private Block? _shared;
    private LoopThread? _corker;
    private bool _isCorked;
    private bool _isQueued;
    private bool _isEnding;
    private TaskCompletionSource? _drained;

    public SocketWriter(EpollConnection connection, BlockStore store, long? pauseAt)
    {
        _connection = connection;
        _store = store;
        _pauseAt = pauseAt ?? long.MaxValue;
        _maxCorked = Math.Min(MaxCorked, _pauseAt / 2);
        _unsent = new UnsentBytes(store, this);
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

            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "Cannot advance past the end of the buffer that GetMemory or GetSpan returned.");
        }

        _app.Enter("what is written and not flushed");
        tail.End += bytes;
        _unflushed += bytes;
        _app.Leave();
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Interleaving.Point("a flush begins");
        bool mustWait;
        FlushResult result;
        lock (_lock)
        {
            var corks = MayCork();
            var gathers = !corks && MayGather();
            Commit();
            _mayReopen = corks || gathers;
            if (corks)
            {
                _isCorked = true;
            }
            else if (gathers)
            {
                Queue();
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
            Commit();
            _isCorked = false;
            if (!_isBlocked)
            {
                Send();
            }

            // An app that completes within an event usually disposes within it too, and the close ends the stream just as well.
            isDrained = _unsent.Length == 0;
            _isEnding = isDrained && _connection.CorksFreely && IsDispatching;
        }

        if (isDrained && !_isEnding)
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

    private Block TailWithRoom(int size)
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }

        if (_tail is { } tail && size >= 0 && tail.Free >= Math.Max(size, 1))
        {
            return tail;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(size, "sizeHint");
        if (_mayReopen && Reopen(size) is { } flushed)
        {
            return flushed;
        }

        var block = size <= 1 ? _store.Rent(this) : _store.Rent(size, this);
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

    private Block? Reopen(int size)
    {
        _mayReopen = false;
        lock (_lock)
        {
            return _tail = _shared = _unsent.LastWithRoom(Math.Max(size, 1));
        }
    }

    private FlushResult TakeResult()
    {
        var isCancelled = _cancelFlush;
        _cancelFlush = false;
        return new FlushResult(isCancelled, isCompleted: _isDead);
    }

    // Under the lock.
    private void StartWaiting()
    {
        Debug.Assert(_isBlocked && !_isCorked, "A flush waits although nothing keeps what it flushed from being sent: no event will end it.");
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

    /// <summary>Completes the waiting flush from a thread with other work to do: the app continues on the thread pool.</summary>
    private void CompleteElsewhere()
    {
        _awaited.RunContinuationsAsynchronously = true;
        _awaited.SetResult(true);
    }
}
