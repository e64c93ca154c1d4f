using System.Collections.Immutable;
using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// A beat's way through every event loop and the thread pool.
///
/// It is over when each of them has been passed since it began: a heartbeat proves that work gets done, not that a timer
/// runs. A beat under way is not restarted. Probes that have already answered are still asked again, so that the board
/// can tell a stuck loop from a starved pool. Only for the beat thread.
/// </summary>
internal sealed class FullBeat
{
    private readonly TransportState _transport;
    private readonly TimeProvider _time;
    private readonly Action _wake;
    private readonly Action<HeartbeatProbe> _onPassed;
    private readonly ThreadPoolHeartbeatProbe _threadPool;
    private readonly List<LoopHeartbeatProbe> _loops = [];
    private ImmutableArray<ILoopProbe> _followed = [];
    private int _asked;
    private bool _hasBegun;

    /// <param name="transport">Holds the probes to pass.</param>
    /// <param name="time">The clock.</param>
    /// <param name="wake">Called from any thread when the last answer is in: time for <see cref="TryFinish"/>.</param>
    /// <param name="threadPool">Queues a work item to the thread pool; null for the process's own (tests replace it).</param>
    public FullBeat(TransportState transport, TimeProvider time, Action wake, Action<IThreadPoolWorkItem>? threadPool = null)
    {
        _transport = transport;
        _time = time;
        _wake = wake;
        _onPassed = OnPassed;
        _threadPool = new ThreadPoolHeartbeatProbe(
            threadPool ?? (static item => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false)), time, _onPassed);
    }

    public bool IsUnderWay { get; private set; }

    /// <summary>Monotonic nanoseconds of the slowest loop's last pass; 0 without loops or before the first beat.</summary>
    public long LoopPassAt
    {
        get
        {
            var slowest = long.MaxValue;
            foreach (var loop in _loops)
            {
                slowest = Math.Min(slowest, loop.LastPassAt);
            }

            return slowest == long.MaxValue ? 0 : slowest;
        }
    }

    /// <summary>Monotonic nanoseconds of the last round trip through the thread pool; 0 before the first beat.</summary>
    public long ThreadPoolPassAt => _hasBegun ? _threadPool.LastPassAt : 0;

    /// <summary>Begins a beat, unless one is under way, and asks every probe that does not owe an answer.</summary>
    public void Begin()
    {
        FollowProbes();
        if (!IsUnderWay)
        {
            IsUnderWay = true;
            _hasBegun = true;
            _threadPool.IsAwaited = true;
            foreach (var loop in _loops)
            {
                loop.IsAwaited = true;
            }
        }

        // One question stays pending until all are asked, so that an immediate answer does not wake the thread for nothing.
        Interlocked.Increment(ref _asked);
        Ask(_threadPool);
        foreach (var loop in _loops)
        {
            Ask(loop);
        }

        OnAnswered();
    }

    /// <summary>Whether the beat under way has passed through everything, and when.</summary>
    public bool TryFinish(out long at)
    {
        at = 0;
        if (!IsUnderWay)
        {
            return false;
        }

        FollowProbes();
        var awaited = IsStillAwaited(_threadPool);
        at = _threadPool.LastPassAt;
        foreach (var loop in _loops)
        {
            awaited |= IsStillAwaited(loop);
            at = Math.Max(at, loop.LastPassAt);
        }

        IsUnderWay = awaited;
        return !awaited;
    }

    private static bool IsStillAwaited(HeartbeatProbe probe) => probe.IsAwaited = probe.IsAwaited && probe.IsAsked;

    private void Ask(HeartbeatProbe probe)
    {
        if (!probe.IsAsked)
        {
            Interlocked.Increment(ref _asked);
            probe.Ask();
        }
    }

    // A loop that has ended (its listener was unbound) never answers: it must not hold up the beat.
    private void FollowProbes()
    {
        var probes = _transport.Probes;
        if (probes == _followed)
        {
            return;
        }

        _followed = probes;
        foreach (var gone in _loops.FindAll(loop => !probes.Contains(loop.Probe)))
        {
            _loops.Remove(gone);
            if (gone.Abandon())
            {
                Interlocked.Decrement(ref _asked);
            }
        }

        foreach (var probe in probes.Where(probe => !_loops.Exists(loop => loop.Probe == probe)))
        {
            _loops.Add(new LoopHeartbeatProbe(probe, _time, _onPassed));
        }
    }

    private void OnPassed(HeartbeatProbe probe) => OnAnswered();

    private void OnAnswered()
    {
        if (Interlocked.Decrement(ref _asked) == 0)
        {
            _wake();
        }
    }
}
