using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Epoll.Memory;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// The receiving half of a connection: a PipeReader directly on the socket.
///
/// The read side has one owner at a time. It is the app (which reads, advances and completes from one thread at a time,
/// as for every PipeReader) while the state has neither <see cref="Waiting"/> nor <see cref="Receiving"/>. A read that finds
/// nothing sets <see cref="Waiting"/>; the thread that clears that bit completes the read, exactly once: the loop with what
/// it received, or a cancellation, or an abort. <see cref="Receiving"/> is held during every receive, and
/// <see cref="Looking"/> while a thread checks what a hang-up left; never both. The descriptor is not closed while either is
/// set. The received bytes still belong to the app during a look: it only has to wait before it receives more.
///
/// <see cref="Unseen"/> means a hang-up that the app was not told of yet: the loop looks at it, or the thread that holds the
/// descriptor at that moment does so after releasing it.
///
/// <see cref="Ready"/> remembers an edge that was not answered yet. It is cleared before a receive and set again when the
/// receive filled all its room, or when the peer has hung up: then only the end of the stream or an error says that
/// everything is read. After a short read, the kernel's next edge reports more. <see cref="Ended"/> also means that
/// everything is read: the loop saw the end, with nothing before it, while no read waited.
/// </summary>
internal sealed partial class SocketReader : PipeReader, IValueTaskSource<ReadResult>
{
    private const int Ready = 1;
    private const int Receiving = 2;
    private const int Waiting = 4;
    private const int CancelRead = 8;
    private const int CancelToken = 16;
    private const int HungUp = 32;
    private const int Failed = 64;
    private const int Closed = 128;
    private const int Ended = 256;
    private const int Looking = 512;
    private const int Unseen = 1024;
    private const int Over = 2048;

    private readonly EpollConnection _connection;
    private readonly ReceivedBytes _received;
    private ManualResetValueTaskSourceCore<bool> _awaited;
    private CancellationTokenRegistration _registration;
    private Exception? _error;
    private CancellationToken _token;
    private int _state;
    private bool _isReading;
    private bool _mayAdvance;
    private bool _isCompleted;
    private bool _isEndedHere;
    private OneAtATime _owner;

    public SocketReader(EpollConnection connection, BlockStore store, int maxBurst)
    {
        _connection = connection;
        _received = new ReceivedBytes(store, maxBurst);
    }

    /// <summary>Whether received bytes are not consumed yet. Only for the owner of the read side.</summary>
    public bool HasUnconsumed => !_received.IsEmpty;

    /// <summary>Whether a read is waiting for bytes at this moment.</summary>
    public bool IsWaiting => (Volatile.Read(ref _state) & Waiting) != 0;

    /// <summary>Whether the peer's end of stream was seen, and everything before it received.</summary>
    public bool IsAtEnd => (Volatile.Read(ref _state) & Ended) != 0;

    /// <summary>Whether a receive or a look is under way on some thread: the descriptor stays open until it ends.</summary>
    public bool HoldsDescriptor => (Volatile.Read(ref _state) & (Receiving | Looking)) != 0;

    /// <summary>Whether a future read has nothing to wait for: the peer has gone, or the connection was aborted; and no read is waiting.</summary>
    public bool IsOver => (Volatile.Read(ref _state) & (Waiting | HungUp | Failed | Ended)) is not 0 and var state && (state & Waiting) == 0;

    /// <summary>Whether the app has begun to read.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Whether the kernel may hold, or still get, bytes that were never received: always, unless the peer has ended its half.</summary>
    public bool MayHaveUnread => !IsAtEnd || _isEndedHere;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfCompleted();
        if (_isReading)
        {
            throw new InvalidOperationException("A read is already in progress: call AdvanceTo before the next one.");
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        HasBegun = true;
        _connection.EnsureWatched();
        while (true)
        {
            if (HasResult)
            {
                var result = TakeResult();
                LookIfUnseen();
                return new(result);
            }

            if (_connection.MayReceiveNow() && TryBeginReceiving())
            {
                StopReceiving(Receive());
            }
            else if (TryWait(cancellationToken))
            {
                return new(this, _awaited.Version);
            }
        }
    }

    public override bool TryRead(out ReadResult result)
    {
        ThrowIfCompleted();
        if (_isReading || (Volatile.Read(ref _state) & (Waiting | Receiving)) != 0)
        {
            throw new InvalidOperationException("A read is already in progress: await it and call AdvanceTo before the next one.");
        }

        HasBegun = true;
        _connection.EnsureWatched();
        if (!HasResult && TryBeginReceiving())
        {
            StopReceiving(Receive());
        }

        var hasResult = HasResult;
        result = hasResult ? TakeResult() : default;
        _mayAdvance |= !hasResult;
        LookIfUnseen();
        return hasResult;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        ThrowIfCompleted();
        if (!_isReading && !_mayAdvance)
        {
            throw new InvalidOperationException("AdvanceTo was called without a read: call it once for each result of ReadAsync or TryRead.");
        }

        _owner.Enter("the receiving of a connection");
        try
        {
            _received.AdvanceTo(consumed, examined);
        }
        finally
        {
            _owner.Leave();
        }

        _isReading = _mayAdvance = false;
    }

    public override void CancelPendingRead()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            var next = (state & ~Waiting) | CancelRead;
            if (TryMove(state, next))
            {
                if ((state & Waiting) != 0)
                {
                    CompleteElsewhere();
                }

                return;
            }
        }
    }

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
        {
            return;
        }

        _isCompleted = true;
        if ((Volatile.Read(ref _state) & (Waiting | Receiving)) == 0)
        {
            _received.Release();
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _awaited.GetResult(token);
        if (_token.CanBeCanceled)
        {
            // After this the callback of this read is not running and will not run.
            _registration.Dispose();
            var cancelled = _token;
            _token = default;
            if ((Interlocked.And(ref _state, ~CancelToken) & CancelToken) != 0 && !HasResult)
            {
                _mayAdvance = true;
                throw new OperationCanceledException(cancelled);
            }
        }

        return TakeResult();
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _awaited.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _awaited.OnCompleted(continuation, state, token, flags);

    private bool HasResult => _received.HasUnexamined || (Volatile.Read(ref _state) & (CancelRead | Failed | Ended)) != 0;

    private void ThrowIfCompleted()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }
    }

    private ReadResult TakeResult()
    {
        var state = Volatile.Read(ref _state);
        var isAtEnd = (state & Ended) != 0;
        if ((state & (CancelRead | Failed)) == 0)
        {
            _isReading = true;
            return new ReadResult(_received.Sequence, isCanceled: false, isAtEnd);
        }

        if ((state & Failed) != 0)
        {
            EpollConnection.Throw(_error!);
        }

        // As with a Pipe: after a cancellation the app may advance, or read again without advancing.
        Interlocked.And(ref _state, ~CancelRead);
        _mayAdvance = true;
        return new ReadResult(_received.Sequence, isCanceled: true, isAtEnd);
    }
}
