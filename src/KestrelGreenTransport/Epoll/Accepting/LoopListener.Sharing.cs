using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Accepting;

/// <summary>
/// How a listener shares the connections with siblings that accept on the same socket.
///
/// Once it has its share it stands back: it is disarmed, so that the kernel's next wake-up goes to a sibling. It still
/// checks once per tick whether a client is waiting; <see cref="Politeness"/> says how many it then takes.
/// An armed listener checks once per tick, too: a sibling that was woken and then stopped or died leaves the others asleep.
/// </summary>
internal sealed unsafe partial class LoopListener
{
    // While nothing is accepted, hardly any client can be stranded: checking a hundred times a second would be wasted.
    private static readonly TimeSpan QuietTick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan QuietAfter = TimeSpan.FromSeconds(1);

    private ITimer? _ticks;
    private Action? _takeWaiting;
    private long _acceptedAt;
    private bool _isQuiet;
    private bool _standsBack;
    private Politeness _politeness;

    private bool HasSiblings => _listener.Socket.IsShared && _listener.Siblings.MayExist;

    private void BeginSharing()
    {
        if (HasSiblings)
        {
            _acceptedAt = _loop.Time.GetTimestamp();
            _listener.Siblings.Died += LookNow;
            _listener.Pool.Ended += OnEnded;
            _ticks = _loop.Time.CreateTimer(static listener => ((LoopListener)listener!).OnTick(), this, FairShare.Tick, FairShare.Tick);
        }
    }

    private void EndSharing()
    {
        _listener.Siblings.Died -= LookNow;
        _listener.Pool.Ended -= OnEnded;
        _ticks?.Dispose();
    }

    /// <summary>How many connections may be accepted now.</summary>
    private long Allowance()
    {
        if (!HasSiblings || !_listener.Options.BalancedAccept)
        {
            return long.MaxValue;
        }

        var siblings = _listener.Siblings.Look();
        var allowance = FairShare.Allowance(_listener.Siblings.Held, siblings, waiting: 0);

        // The queue is asked only where it matters: when many clients come at once, each worker takes its share of them.
        return allowance > 0 ? allowance : FairShare.Allowance(_listener.Siblings.Held, siblings, _listener.Socket.Queued());
    }

    /// <summary>Leaves the listener to the siblings for a tick.</summary>
    private void StandBack()
    {
        Slot? slot;
        lock (_lock)
        {
            if (!_standsBack)
            {
                _standsBack = true;
                _politeness = new Politeness(_listener.Siblings.Look());
            }

            slot = LetGo();
            AssertWhole();
        }

        slot?.GiveBack();
    }

    private void NoteAccepted()
    {
        if (_ticks is null)
        {
            return;
        }

        _listener.Siblings.OnAccepted();
        Volatile.Write(ref _acceptedAt, _loop.Time.GetTimestamp());
        if (Volatile.Read(ref _isQuiet))
        {
            Volatile.Write(ref _isQuiet, false);
            _ticks.Change(FairShare.Tick, FairShare.Tick);
        }
    }

    // Where connections are short-lived, a worker that had its share may have room again a millisecond later.
    private void OnEnded()
    {
        if (!Volatile.Read(ref _standsBack))
        {
            return;
        }

        lock (_lock)
        {
            if (!_standsBack || Allowance() == 0)
            {
                return;
            }

            _standsBack = false;
        }

        Resume();
    }

    // On a timer's thread: the loop is involved only when a client is waiting.
    private void OnTick()
    {
        if (!Volatile.Read(ref _isQuiet) && _loop.Time.GetElapsedTime(Volatile.Read(ref _acceptedAt)) >= QuietAfter)
        {
            Volatile.Write(ref _isQuiet, true);
            _ticks?.Change(QuietTick, QuietTick);
        }

        LookNow();
    }

    private void LookNow()
    {
        bool comesBack;
        bool isReadable;
        lock (_lock)
        {
            if (!_isOpen || _isUnbound)
            {
                return;
            }

            // When it is quiet, being armed is cheaper than checking, and as fair: a listener that re-arms is woken last.
            comesBack = _standsBack && (Volatile.Read(ref _isQuiet) || Allowance() > 0);
            _standsBack &= !comesBack;
            isReadable = IsReadable();
            if (_standsBack)
            {
                _politeness.OnTick(_listener.Siblings.Look(), isReadable);
            }
        }

        if (comesBack)
        {
            Resume();
        }

        if (isReadable)
        {
            _loop.Post(_takeWaiting ??= TakeWaiting);
        }
    }

    /// <summary>Accepts waiting clients: one if armed, else as many as politeness allows. On the loop.</summary>
    private void TakeWaiting()
    {
        long mayTake;
        lock (_lock)
        {
            mayTake = _standsBack ? _politeness.MayTake : 1;
            if (mayTake == 0 || !_isOpen || _isUnbound || _isWaiting || (_slot is null && !_standsBack) || (_slot is null && !_listener.Pool.TryTake(out _slot)))
            {
                return;
            }

            AssertWhole();
        }

        var taken = 0;
        while (taken < mayTake && TryAcceptOne())
        {
            taken++;
        }

        if (Volatile.Read(ref _standsBack))
        {
            StandBack();
        }
        else
        {
            // It was brought back while the slot was in use here, which then looked like that of an armed listener.
            Arm();
        }
    }

    private bool IsReadable()
    {
        var poll = new Libc.PollFd { fd = _listener.Socket.Descriptor, events = Libc.POLLIN };
        return Libc.poll(&poll, 1, 0) > 0 && (poll.revents & Libc.POLLIN) != 0;
    }
}
