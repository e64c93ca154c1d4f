using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>
/// Watches the event loops whose handlers run inline, and gives a loop to a spare thread when a handler blocks it.
///
/// One thread for all loops. It looks rarely while nothing blocks (a guard that woke every millisecond cost 10 to 25 % of
/// the throughput of a server held to 40 % of a core), often for a while after something blocked, and sleeps while the
/// loops do: the first event after that wakes it.
/// </summary>
internal sealed class LoopGuard : IDisposable
{
    // In thresholds. With the second look at a suspect, a handler that blocks is found within 10 thresholds (10 ms), and
    // within one in the second after another one blocked.
    private const double CalmTick = 8;
    private const double AlertTick = 0.8;
    private const double SecondLook = 0.2;
    private const double ComputingLook = 1.2;

    // A calm guard takes a second look at a running leader only this often, to find one that computes.
    private const int ComputingEvery = 8;
    private const int IdleTicks = 12;

    private static readonly TimeSpan AlertFor = TimeSpan.FromSeconds(1);

    private static readonly KeyValuePair<string, object?> Blocked = new(TransportMeter.ReasonTag, "blocked");
    private static readonly KeyValuePair<string, object?> Computing = new(TransportMeter.ReasonTag, "computing");

    private readonly LoopMonitor[] _monitors;
    private readonly TimeSpan _threshold;
    private readonly TransportMeter _meter;
    private readonly TimeProvider _time;
    private readonly FutexWord _signal = new();
    private readonly long _origin;
    private volatile bool _isAsleep;
    private volatile bool _isStopping;
    private TimeSpan _alertUntil;

    public LoopGuard(IEnumerable<IGuardedLoop> loops, TimeSpan threshold, TransportMeter meter, TimeProvider time)
    {
        _monitors = [.. loops.Select(static loop => new LoopMonitor(loop))];
        _threshold = threshold;
        _meter = meter;
        _time = time;
        _origin = time.GetTimestamp();
    }

    /// <summary>Whether <see cref="Wake"/> must be called before the app runs.</summary>
    public bool IsAsleep => _isAsleep;

    private TimeSpan Now => _time.GetElapsedTime(_origin);

    public void Start() => new Thread(Run) { IsBackground = true, Name = "green loop guard" }.UnsafeStart();

    public void Wake()
    {
        _isAsleep = false;
        _signal.Value = 1;
        _signal.WakeOne();
    }

    /// <summary>Ends the guard's thread, soon.</summary>
    public void Dispose()
    {
        _isStopping = true;
        Wake();
    }

    private void Run()
    {
        var quiet = 0;
        for (var tick = 0; !_isStopping; tick++)
        {
            var now = Now;
            var isAlert = now < _alertUntil;
            quiet = LookAtAll(now, looksForComputing: isAlert || tick % ComputingEvery == 0) ? 0 : quiet + 1;
            if (quiet < IdleTicks)
            {
                Rest(_threshold * (Now < _alertUntil ? AlertTick : CalmTick));
            }
            else if (MayFallAsleep())
            {
                Rest(null);
                _isAsleep = false;
                quiet = 0;
            }
        }

        foreach (var monitor in _monitors)
        {
            monitor.Dispose();
        }
    }

    /// <summary>Returns whether any loop has moved.</summary>
    private bool LookAtAll(TimeSpan now, bool looksForComputing)
    {
        var moved = false;
        var suspects = false;
        var running = false;
        foreach (var monitor in _monitors)
        {
            moved |= monitor.HasMoved();
            var verdict = Look(monitor, now);
            suspects |= verdict == LoopVerdict.Suspect;
            running |= verdict == LoopVerdict.Running;
        }

        if (suspects || (running && looksForComputing && now >= _alertUntil))
        {
            Rest(suspects ? _threshold * SecondLook : _threshold * ComputingLook);
            foreach (var monitor in _monitors)
            {
                Look(monitor, now);
            }
        }

        foreach (var monitor in _monitors)
        {
            monitor.UpdateRate(now);
        }

        return moved;
    }

    private LoopVerdict Look(LoopMonitor monitor, TimeSpan now)
    {
        var verdict = monitor.Look(_threshold);
        if (verdict is LoopVerdict.Blocks or LoopVerdict.Computes && monitor.TakeOver(verdict))
        {
            _alertUntil = now + AlertFor;
            ForeignCode.Run(static told => told.Takeovers.Add(1, told.Reason), (_meter.Takeovers, Reason: verdict == LoopVerdict.Blocks ? Blocked : Computing));
        }

        return verdict;
    }

    // Either a leader that begins to run the app after this barrier sees that the guard sleeps, and wakes it; or the guard
    // sees after the barrier that the leader has begun. So the leader, which passes here for every event, needs no barrier.
    private bool MayFallAsleep()
    {
        _isAsleep = true;
        Interlocked.MemoryBarrierProcessWide();
        foreach (var monitor in _monitors)
        {
            if (monitor.HasMoved())
            {
                _isAsleep = false;
                return false;
            }
        }

        return true;
    }

    private void Rest(TimeSpan? limit)
    {
        _signal.WaitWhile(0, limit);
        _signal.Value = 0;
    }
}
