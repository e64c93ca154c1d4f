using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.IO;

/// <summary>
/// The receiving half of a connection: a PipeReader directly on the socket.
///
/// The read side has one owner at a time. It is the app (which reads, advances and completes from one thread at a time,
/// as for every PipeReader) while the state says neither <see cref="Waiting"/> nor <see cref="Receiving"/>. A read that finds
/// nothing sets <see cref="Waiting"/>; whoever clears that bit completes the read, exactly once: the loop with what it
/// received, or a cancellation, or an abort. <see cref="Receiving"/> is held over every call on the descriptor, and the
/// descriptor is not closed while it is.
///
/// <see cref="Ready"/> remembers an edge that nobody has answered yet. It is cleared before a receive and set again when
/// the receive filled all its room, or when the peer has hung up: then only the end of the stream or an error says that
/// all is read. After a short read the kernel's next edge tells of more.
/// </summary>
internal sealed class SocketReader : PipeReader, IValueTaskSource<ReadResult>
{
    private const int Ready = 1;
    private const int Receiving = 2;
    private const int Waiting = 4;
    private const int CancelRead = 8;
    private const int CancelToken = 16;
    private const int HungUp = 32;
    private const int Failed = 64;
    private const int Closed = 128;

    private readonly EpollConnection _connection;
    private readonly ReceivedBytes _received;
    private ManualResetValueTaskSourceCore<bool> _awaited;
    private CancellationTokenRegistration _registration;
    private Exception? _error;
    private CancellationToken _token;
    private int _state;
    private bool _isReading;
    private bool _isCompleted;
    private bool _stoppedEarly;

    public SocketReader(EpollConnection connection, BlockStore store, int maxBurst)
    {
        _connection = connection;
        _received = new ReceivedBytes(store, maxBurst);
    }

    /// <summary>Whether received bytes wait to be consumed. For the thread that owns the read side.</summary>
    public bool HasUnconsumed => !_received.IsEmpty;

    /// <summary>Whether the peer's end of stream was read.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Whether the kernel may hold bytes that were never received, after the app is done with reading.</summary>
    public bool MayHaveUnread => !IsAtEnd && (_stoppedEarly || (Volatile.Read(ref _state) & Ready) != 0);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfCompleted();
        if (_isReading)
        {
            throw new InvalidOperationException("A read is under way already: call AdvanceTo before the next one.");
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        while (true)
        {
            if (HasResult)
            {
                return new(TakeResult());
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
            throw new InvalidOperationException("A read is under way already: await it and call AdvanceTo before the next one.");
        }

        if (!HasResult && TryBeginReceiving())
        {
            StopReceiving(Receive());
        }

        if (HasResult)
        {
            result = TakeResult();
            return true;
        }

        result = default;
        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        ThrowIfCompleted();
        _received.AdvanceTo(consumed, examined);
        _isReading = false;
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
        _stoppedEarly = HasUnconsumed;
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
            // After this the callback of this read neither runs nor will run.
            _registration.Dispose();
            var cancelled = _token;
            _token = default;
            if ((Interlocked.And(ref _state, ~CancelToken) & CancelToken) != 0 && !HasResult)
            {
                throw new OperationCanceledException(cancelled);
            }
        }

        return TakeResult();
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _awaited.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _awaited.OnCompleted(continuation, state, token, flags);

    /// <summary>
    /// The loop has events that concern this half. A read that waits is completed within this call: the app runs here.
    /// </summary>
    public void OnEvents(uint events)
    {
        var hangUp = (events & (EpollCalls.EPOLLRDHUP | EpollCalls.EPOLLHUP | EpollCalls.EPOLLERR)) != 0 ? HungUp : 0;
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & Closed) != 0)
            {
                return;
            }

            if ((state & Waiting) == 0)
            {
                if (!TryMove(state, state | Ready | hangUp))
                {
                    continue;
                }

                if (hangUp != 0)
                {
                    _connection.OnHangUpUnread(events);
                }

                return;
            }

            if (TryMove(state, (state & ~(Waiting | Ready)) | Receiving | hangUp))
            {
                ReceiveForWaiter();
                return;
            }
        }
    }

    /// <summary>Every read from now on ends with this exception, the waiting one included.</summary>
    public void Fail(Exception error)
    {
        Interlocked.CompareExchange(ref _error, error, null);
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if (TryMove(state, (state & ~Waiting) | Failed))
            {
                if ((state & Waiting) != 0)
                {
                    CompleteElsewhere();
                }

                return;
            }
        }
    }

    /// <summary>
    /// If a read waits and nothing has arrived, ends it as if the peer had closed its half. False: the connection is not idle.
    /// </summary>
    public bool TryEndIdle()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & (Waiting | Ready | HungUp | Closed)) != Waiting)
            {
                return false;
            }

            if (!TryMove(state, (state & ~Waiting) | Receiving))
            {
                continue;
            }

            // In one step under the read side's ownership: a request that arrived just now is answered, not dropped.
            var outcome = Receive();
            IsAtEnd |= outcome == Outcome.Nothing;
            StopReceiving(outcome);
            CompleteElsewhere();
            return outcome == Outcome.Nothing;
        }
    }

    /// <summary>Lets go of the descriptor: now, or when the receive that is under way returns.</summary>
    public void Close()
    {
        if ((Interlocked.Or(ref _state, Closed) & Receiving) == 0)
        {
            Leave();
        }
    }

    private bool HasResult => _received.HasUnexamined || IsAtEnd || (Volatile.Read(ref _state) & (CancelRead | Failed)) != 0;

    private void ThrowIfCompleted()
    {
        if (_isCompleted)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }
    }

    private bool TryMove(int from, int to) => Interlocked.CompareExchange(ref _state, to, from) == from;

    private ReadResult TakeResult()
    {
        var state = Volatile.Read(ref _state);
        if ((state & (CancelRead | Failed)) == 0)
        {
            _isReading = true;
            return new ReadResult(_received.Sequence, isCanceled: false, IsAtEnd);
        }

        if ((state & Failed) != 0)
        {
            ExceptionDispatchInfo.Throw(_error!);
        }

        Interlocked.And(ref _state, ~CancelRead);
        _isReading = true;
        return new ReadResult(_received.Sequence, isCanceled: true, IsAtEnd);
    }

    private bool TryBeginReceiving()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & Ready) == 0 || (state & Closed) != 0)
            {
                return false;
            }

            if (TryMove(state, (state & ~Ready) | Receiving))
            {
                return true;
            }
        }
    }

    /// <summary>Receives once. For who holds <see cref="Receiving"/>.</summary>
    private Outcome Receive()
    {
        while (true)
        {
            var received = _received.Receive(_connection.Descriptor, out var isFull);
            if (received > 0)
            {
                _connection.OnReceived(received);
                return isFull ? Outcome.More : Outcome.Drained;
            }

            switch (-(int)received)
            {
                case 0:
                    IsAtEnd = true;
                    return Outcome.Ended;
                case Errno.EAGAIN:
                    return Outcome.Nothing;
                case Errno.EINTR:
                    continue;
                case var errno:
                    Interlocked.CompareExchange(ref _error, _connection.OnReceiveError(errno), null);
                    Interlocked.Or(ref _state, Failed);
                    return Outcome.Ended;
            }
        }
    }

    private void StopReceiving(Outcome outcome)
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            var more = outcome == Outcome.More || (outcome == Outcome.Drained && (state & HungUp) != 0) ? Ready : 0;
            if (TryMove(state, (state & ~Receiving) | more))
            {
                if ((state & Closed) != 0)
                {
                    Leave();
                }
                else if (outcome == Outcome.Ended)
                {
                    _connection.OnEndOfStream();
                }

                return;
            }
        }
    }

    private void ReceiveForWaiter()
    {
        while (true)
        {
            var outcome = Receive();
            if (outcome != Outcome.Nothing)
            {
                StopReceivingForWaiter(outcome);
                return;
            }

            // An edge that came before the last bytes were received: wait on, unless something happened meanwhile.
            var state = Volatile.Read(ref _state);
            if ((state & (CancelRead | CancelToken | Failed | Closed)) != 0)
            {
                StopReceivingForWaiter(outcome);
                return;
            }

            if (TryMove(state, (state & Ready) != 0 ? state & ~Ready : (state & ~Receiving) | Waiting) && (state & Ready) == 0)
            {
                return;
            }
        }
    }

    private void StopReceivingForWaiter(Outcome outcome)
    {
        StopReceiving(outcome == Outcome.Ended ? Outcome.EndedQuietly : outcome);
        _awaited.RunContinuationsAsynchronously = !_connection.RunsInline;
        _awaited.SetResult(true);

        // Only now: most readers end the connection by themselves at the end of the stream, and it closes in one go.
        if (outcome == Outcome.Ended)
        {
            _connection.OnEndOfStream();
        }
    }

    private bool TryWait(CancellationToken cancellationToken)
    {
        _awaited.Reset();
        if (cancellationToken.CanBeCanceled)
        {
            _token = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(static reader => ((SocketReader)reader!).OnTokenCancelled(), this);
        }

        while (true)
        {
            var state = Volatile.Read(ref _state);
            ObjectDisposedException.ThrowIf((state & Closed) != 0, _connection);
            if ((state & (CancelRead | Failed)) != 0 || ((state & Ready) != 0 && _connection.MayReceiveNow()))
            {
                _registration.Dispose();
                _token = default;
                return false;
            }

            if (!TryMove(state, state | Waiting))
            {
                continue;
            }

            if ((state & Ready) != 0)
            {
                _connection.Defer();
            }

            // The callback may have run before there was a waiter to find.
            if (cancellationToken.IsCancellationRequested)
            {
                OnTokenCancelled();
            }

            return true;
        }
    }

    private void OnTokenCancelled()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & (Waiting | Receiving)) == 0)
            {
                return;
            }

            if (TryMove(state, (state & ~Waiting) | CancelToken))
            {
                if ((state & Waiting) != 0)
                {
                    CompleteElsewhere();
                }

                return;
            }
        }
    }

    /// <summary>Completes the waiting read from a thread that has its own work to do: the app continues on the thread pool.</summary>
    private void CompleteElsewhere()
    {
        _awaited.RunContinuationsAsynchronously = true;
        _awaited.SetResult(true);
    }

    private void Leave()
    {
        _received.Release();
        _connection.OnHalfClosed();
    }

    private enum Outcome
    {
        /// <summary>There was nothing to receive.</summary>
        Nothing,

        /// <summary>All that there was.</summary>
        Drained,

        /// <summary>All that there was room for.</summary>
        More,

        /// <summary>The end of the stream, or an error.</summary>
        Ended,

        /// <summary>The same, and the connection is told later.</summary>
        EndedQuietly,
    }
}
