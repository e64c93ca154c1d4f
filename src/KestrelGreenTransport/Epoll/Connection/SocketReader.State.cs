using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>The state of the read side and what changes it: the loop, cancellations, aborts, the close.</summary>
internal sealed partial class SocketReader
{
    /// <summary>The loop has events for this half. A waiting read is completed within this call: the app runs here.</summary>
    public void OnEvents(uint events)
    {
        var isOver = (events & (EpollCalls.EPOLLHUP | EpollCalls.EPOLLERR)) != 0;
        var hangUp = isOver ? HungUp | Unseen | Over : (events & EpollCalls.EPOLLRDHUP) != 0 ? HungUp | Unseen : 0;
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & Closed) != 0)
            {
                return;
            }

            // A thread that is looking gives the waiting read its turn afterwards.
            if ((state & (Waiting | Looking)) != Waiting)
            {
                if (!TryMove(state, state | Ready | hangUp))
                {
                    continue;
                }

                LookIfUnseen();
                return;
            }

            if (TryMove(state, (state & ~(Waiting | Ready)) | Receiving | hangUp))
            {
                ReceiveForWaiter();
                return;
            }
        }
    }

    /// <summary>The peer has ended its half, and everything before that was received.</summary>
    public void EndOfPeer()
    {
        // The kernel reports a reset only once. If a send on another thread got the report, this side sees a mere end of stream.
        // That send passes the reset on before it releases its lock, so wait for the lock.
        _connection.Writer.AwaitSend();
        Interlocked.Or(ref _state, Ended);
    }

    /// <summary>Every read from now on, a waiting one included, ends with this exception, unless the end was seen before.</summary>
    public void Fail(Exception error)
    {
        Interlocked.CompareExchange(ref _error, error, null);
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if (TryMove(state, (state & ~Waiting) | ((state & Ended) == 0 ? Failed : 0)))
            {
                if ((state & Waiting) != 0)
                {
                    CompleteElsewhere();
                }

                return;
            }
        }
    }

    /// <summary>As <see cref="Fail"/>, unless the peer has hung up: then reads return what it sent, and its end of stream or error.</summary>
    public void FailUnlessEnding(Exception error)
    {
        if ((Volatile.Read(ref _state) & (HungUp | Ended)) == 0)
        {
            Fail(error);
        }
    }

    /// <summary>
    /// Ends a read that waits between two requests as if the peer had closed its half, if the last response is sent and nothing
    /// has arrived. False: the connection is not idle.
    /// </summary>
    public bool TryEndIdle(long quietSince)
    {
        if (!TryTakeFromWaiter())
        {
            return false;
        }

        // One step under the ownership of the read side: a request that arrived just now is answered, not dropped, and the client
        // gets the end of the stream right after the check, however late the app closes the connection.
        // Not idle either: a slow client still has a response to get, or TLS holds half a request that came a moment ago.
        var isBetween = _received.IsEmpty && _connection.Activity is { IsBusy: false } activity && activity.QuietSince == quietSince && !_connection.Writer.HasUnsent;
        var outcome = Receive();
        var isEnded = outcome == ReceiveOutcome.Ended || (isBetween && outcome == ReceiveOutcome.Nothing);
        if (isEnded && outcome == ReceiveOutcome.Nothing)
        {
            EndHere();
            if (_connection.Activity.HasServed)
            {
                _connection.ShutDownOutput();
            }
        }
        else if (outcome == ReceiveOutcome.Nothing && TryWaitOn())
        {
            return false;
        }

        // Before the read completes, record that the end was seen: the app may find the client's own end behind what has arrived by then.
        StopReceiving(outcome);
        CompleteElsewhere();
        LookIfUnseen();
        return isEnded;
    }

    /// <summary>Ends a waiting read as if the peer had closed its half, if nothing has arrived, whatever the read waits for.</summary>
    public void EndWaiting()
    {
        if (TryTakeFromWaiter())
        {
            var outcome = Receive();
            if (outcome == ReceiveOutcome.Nothing)
            {
                EndHere();
            }

            StopReceiving(outcome);
            CompleteElsewhere();
            LookIfUnseen();
        }
    }

    /// <summary>
    /// Releases the descriptor: now, or when the receive or look under way returns. A read may still be waiting although the app
    /// has ended (say, one of two loops of which it awaited only the other). That read ends with the reason: no event will come for it.
    /// </summary>
    public void Close(Exception reason)
    {
        var state = Interlocked.Or(ref _state, Closed);
        if ((state & Waiting) != 0)
        {
            Fail(reason);
        }

        if ((state & (Receiving | Looking)) == 0)
        {
            Leave();
        }
    }

    // As if the peer had ended its half.
    private void EndHere()
    {
        _isEndedHere = true;
        Interlocked.Or(ref _state, Ended);
    }

    /// <summary>Takes the read side from a waiting read, to receive for it or to end it.</summary>
    private bool TryTakeFromWaiter()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & (Waiting | Ready | HungUp | Closed)) != Waiting)
            {
                return false;
            }

            if (TryMove(state, (state & ~Waiting) | Receiving))
            {
                return true;
            }
        }
    }

    /// <summary>Gives the read side back to the waiting read; false when something has happened in between that completes it.</summary>
    private bool TryWaitOn()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & (Ready | CancelRead | CancelToken | Failed | Closed)) != 0)
            {
                return false;
            }

            if (TryMove(state, (state & ~Receiving) | Waiting))
            {
                return true;
            }
        }
    }

    private bool TryMove(int from, int to)
    {
        Interleaving.Point("a read side is about to change hands");
        return Interlocked.CompareExchange(ref _state, to, from) == from;
    }

    private bool TryBeginReceiving()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & (Ready | Looking | Closed)) != Ready)
            {
                return false;
            }

            if (TryMove(state, (state & ~Ready) | Receiving))
            {
                return true;
            }
        }
    }

    /// <summary>Receives once. Only for the thread that set <see cref="Receiving"/>.</summary>
    private ReceiveOutcome Receive()
    {
        while (true)
        {
            _owner.Enter("the receiving of a connection");
            var received = _received.Receive(_connection.Descriptor, out var isFull);
            _owner.Leave();
            if (received > 0)
            {
                _connection.OnReceived(received);
                return isFull ? ReceiveOutcome.More : ReceiveOutcome.Drained;
            }

            switch (-(int)received)
            {
                case 0:
                    _connection.LogFinReceived();
                    EndOfPeer();
                    return ReceiveOutcome.Ended;
                case Errno.EAGAIN:
                    return ReceiveOutcome.Nothing;
                case Errno.EINTR:
                    continue;
                case var errno:
                    Interlocked.CompareExchange(ref _error, _connection.OnReceiveError(errno), null);
                    Interlocked.Or(ref _state, Failed);
                    return ReceiveOutcome.Ended;
            }
        }
    }

    private void StopReceiving(ReceiveOutcome outcome)
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);

            // A thread that has received the end need not look for it.
            var seen = outcome is ReceiveOutcome.Ended or ReceiveOutcome.EndedQuietly ? Unseen : 0;
            var more = outcome == ReceiveOutcome.More || (outcome == ReceiveOutcome.Drained && (state & HungUp) != 0) ? Ready : 0;
            if (TryMove(state, (state & ~(Receiving | seen)) | more))
            {
                if ((state & Closed) != 0)
                {
                    Leave();
                }
                else if (outcome == ReceiveOutcome.Ended)
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
            if (outcome != ReceiveOutcome.Nothing)
            {
                StopReceivingForWaiter(outcome);
                return;
            }

            // The edge belonged to bytes that were already received: keep waiting, unless something else has happened.
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

    private void StopReceivingForWaiter(ReceiveOutcome outcome)
    {
        StopReceiving(outcome == ReceiveOutcome.Ended ? ReceiveOutcome.EndedQuietly : outcome);
        _awaited.RunContinuationsAsynchronously = !_connection.RunsInline;
        _awaited.SetResult(true);

        // Only now: most readers end the connection themselves at the end of the stream, and it closes in one go. A reader that
        // continues its request elsewhere is told that the peer has left.
        if (outcome == ReceiveOutcome.Ended)
        {
            _connection.OnEndOfStream();
        }
        else
        {
            LookIfUnseen();
        }
    }

    private void LookIfUnseen()
    {
        if ((Volatile.Read(ref _state) & Unseen) != 0)
        {
            LookAtHangUp();
        }
    }

    private void LookAtHangUp()
    {
        int state;
        do
        {
            // A waiting read finds out by itself, and a thread that is receiving looks afterwards.
            state = Volatile.Read(ref _state);
            if ((state & Unseen) == 0 || (state & (Waiting | Receiving | Looking | Closed)) != 0)
            {
                return;
            }
        }
        while (!TryMove(state, (state & ~Unseen) | Looking));

        Interleaving.Point("a hang-up is about to be looked at");
        var isTold = _connection.OnHangUpUnread((state & Over) != 0);
        do
        {
            state = Volatile.Read(ref _state);
        }
        while (!TryMove(state, (state & ~Looking) | (isTold ? 0 : Unseen)));

        if ((state & Closed) != 0)
        {
            Leave();
        }
        else if ((state & Waiting) != 0)
        {
            _connection.Defer();
        }
        else if ((state & Unseen) != 0)
        {
            LookAtHangUp();
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
            if ((state & (CancelRead | Failed | Ended)) != 0 || ((state & (Ready | Looking)) == Ready && _connection.MayReceiveNow()))
            {
                _registration.Dispose();
                _token = default;
                return false;
            }

            if (!TryMove(state, state | Waiting))
            {
                continue;
            }

            Interleaving.Point("a read waits");
            _connection.OnWaits();
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

    /// <summary>Completes the waiting read from a thread with other work to do: the app continues on the thread pool.</summary>
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

    private enum ReceiveOutcome
    {
        /// <summary>There was nothing to receive.</summary>
        Nothing,

        /// <summary>Everything that was there.</summary>
        Drained,

        /// <summary>As much as there was room for.</summary>
        More,

        /// <summary>The end of the stream, or an error.</summary>
        Ended,

        /// <summary>As <see cref="Ended"/>, but the connection is told later.</summary>
        EndedQuietly,
    }
}
