using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// The worker's thread that keeps the contract with its supervisor: it beats, writes the board's record, listens on the
/// lifeline, and ends a process that should have exited.
///
/// It waits only in poll(2): not for the thread pool, a lock that the app may hold, or a log. While nothing happens it
/// sleeps from beat to beat.
/// </summary>
internal sealed class BeatThread : IDisposable
{
    private const long NanosecondsPerMillisecond = 1_000_000;

    // Only a file system that hangs can delay the thread for this long, and then open descriptors are the least problem.
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    private readonly WakeEvent _wake;
    private readonly HeartbeatWriter _heartbeat;
    private readonly BoardPublisher? _board;
    private readonly SlowRequests? _slow;
    private readonly Lifeline? _lifeline;
    private readonly StatsSender? _stats;
    private readonly WorkerStop _stop;
    private readonly TimeProvider _time;
    private readonly long _checkInterval;
    private readonly ManualResetEventSlim _written = new();
    private readonly ManualResetEventSlim _closed = new();
    private readonly Thread _thread;
    private volatile bool _isClosing;
    private volatile bool _mustWrite;
    private volatile bool _mustSendReady;
    private int _isStarted;
    private long _checkAt;

    public BeatThread(
        WakeEvent wake, HeartbeatWriter heartbeat, BoardPublisher? board, SlowRequests? slow, Lifeline? lifeline, StatsSender? stats, WorkerStop stop, TimeProvider time, TimeSpan interval)
    {
        _wake = wake;
        _heartbeat = heartbeat;
        _board = board;
        _slow = slow;
        _lifeline = lifeline;
        _stats = stats;
        _stop = stop;
        _time = time;
        _checkInterval = interval.ToNanoseconds();
        _thread = new Thread(Run) { IsBackground = true, Name = "green-beat" };
    }

    /// <summary>Called with each message of the supervisor.</summary>
    public required Action<LifelineMessage> Received { get; init; }

    /// <summary>Called when the supervisor is gone.</summary>
    public required Action SupervisorGone { get; init; }

    /// <summary>Called at every check, with the time in monotonic nanoseconds.</summary>
    public required Action<long> Checked { get; init; }

    /// <summary>Starts the thread; does nothing if it has started already.</summary>
    public void Start()
    {
        if (Interlocked.Exchange(ref _isStarted, 1) == 0)
        {
            _thread.Start();
        }
    }

    /// <summary>A host is being disposed: writes its last state and requests now, before the process may end.</summary>
    public void WriteNow()
    {
        if (_thread.IsAlive)
        {
            _written.Reset();
            _mustWrite = true;
            _wake.Set();
            _written.Wait(CloseLimit);
        }
    }

    /// <summary>Tells the supervisor that this worker is ready, once the record shows its slots: a status may be asked for right then.</summary>
    public void SendReady()
    {
        _mustSendReady = true;
        _wake.Set();
    }

    /// <summary>Ends the beats. A process that was told to exit is still forced to.</summary>
    public void Dispose()
    {
        _isClosing = true;
        _wake.Set();
        if (_thread.IsAlive && !_closed.Wait(CloseLimit))
        {
            return;
        }

        _heartbeat.Dispose();
        _board?.Dispose();
    }

    private void Run()
    {
        while (!_isClosing)
        {
            var now = _time.Nanoseconds();
            var mustWrite = _mustWrite;
            var isReady = _mustSendReady;
            _mustWrite = false;
            _stop.ForceIfDue(now);
            CheckFiles(now);
            _board?.Update(now);
            if (isReady)
            {
                _mustSendReady = false;
                _lifeline?.SendReady();
            }

            var allSent = _lifeline?.Flush() ?? true;
            _heartbeat.Update(now);
            _slow?.ReportOverdue(now);
            if (mustWrite)
            {
                _stats?.SendNews();
                _written.Set();
            }

            Wait(allSent ? long.MaxValue : now + BoardFile.Tick.ToNanoseconds());
        }

        if (_mustSendReady)
        {
            _lifeline?.SendReady();
        }

        _written.Set();
        _closed.Set();
        while (_stop.ForceAt != long.MaxValue)
        {
            WaitForForce();
            _stop.ForceIfDue(_time.Nanoseconds());
        }
    }

    private void CheckFiles(long now)
    {
        if (now >= _checkAt)
        {
            _checkAt = now + _checkInterval;
            _heartbeat.Check();
            _board?.Check();
            _stats?.SendNews();
            Checked(now);
        }
    }

    private unsafe void Wait(long retryAt)
    {
        var next = Math.Min(Math.Min(_heartbeat.NextAt, _board?.NextAt ?? _checkAt), Math.Min(_stop.ForceAt, retryAt));
        next = Math.Min(next, _slow?.NextAt ?? long.MaxValue);
        var polled = stackalloc Libc.PollFd[2];
        polled[0] = new Libc.PollFd { fd = _wake.Number, events = Libc.POLLIN };
        polled[1] = new Libc.PollFd { fd = _lifeline?.Descriptor ?? -1, events = Libc.POLLIN | Libc.POLLRDHUP };
        if (Libc.poll(polled, 2, Milliseconds(next)) <= 0)
        {
            return;
        }

        if (polled[0].revents != 0)
        {
            _wake.Reset();
        }

        if (_lifeline is not null && !_lifeline.Receive(polled[1].revents, Received))
        {
            SupervisorGone();
        }
    }

    private unsafe void WaitForForce() => _ = Libc.poll(null, 0, Milliseconds(_stop.ForceAt));

    private int Milliseconds(long until)
    {
        var left = until - _time.Nanoseconds();
        return (int)Math.Clamp((left + NanosecondsPerMillisecond - 1) / NanosecondsPerMillisecond, 0, int.MaxValue);
    }
}
