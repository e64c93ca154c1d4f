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
internal sealed class BeatThread(
    WakeEvent wake, HeartbeatWriter heartbeat, BoardPublisher? board, SlowRequests? slow, Lifeline? lifeline, WorkerStop stop, TimeProvider time, TimeSpan interval)
    : IDisposable
{
    private const long NanosecondsPerMillisecond = 1_000_000;

    // Only a file system that hangs can delay the thread for this long, and then open descriptors are the least problem.
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    private readonly ManualResetEventSlim _written = new();
    private readonly ManualResetEventSlim _closed = new();
    private volatile Thread? _thread;
    private volatile bool _isClosing;
    private volatile bool _mustWrite;
    private volatile bool _mustSendReady;
    private int _isStarted;
    private long _checkAt;

    /// <summary>Get the supervisor's messages, in this order.</summary>
    public required ILifelineHandler[] Handlers { get; init; }

    /// <summary>Called at every check, and for a host that is being disposed, with the time in monotonic nanoseconds.</summary>
    public required Action<long> Checked { get; init; }

    /// <summary>Starts the thread; does nothing if it has started already.</summary>
    public void Start()
    {
        if (Interlocked.Exchange(ref _isStarted, 1) == 0)
        {
            _thread = new Thread(Run) { IsBackground = true, Name = "green-beat" };
            _thread.Start();
        }
    }

    /// <summary>A host is being disposed: writes its last state and requests now, before the process may end.</summary>
    public void WriteNow()
    {
        if (_thread is { IsAlive: true })
        {
            _written.Reset();
            _mustWrite = true;
            wake.Set();
            _written.Wait(CloseLimit);
        }
    }

    /// <summary>Tells the supervisor that this worker is ready, once the record shows its slots: a status may be asked for right then.</summary>
    public void SendReady()
    {
        _mustSendReady = true;
        wake.Set();
    }

    /// <summary>Ends the beats. A process that was told to exit is still forced to.</summary>
    public void Dispose()
    {
        _isClosing = true;
        wake.Set();
        if (_thread is { IsAlive: true } && !_closed.Wait(CloseLimit))
        {
            return;
        }

        heartbeat.Dispose();
        board?.Dispose();
    }

    private void Run()
    {
        while (!_isClosing)
        {
            var now = time.Nanoseconds();
            var mustWrite = _mustWrite;
            var isReady = _mustSendReady;
            _mustWrite = false;
            stop.ForceIfDue(now);
            CheckFiles(now);
            board?.Update(now);
            if (isReady)
            {
                _mustSendReady = false;
                lifeline?.SendReady();
            }

            var allSent = lifeline?.Flush() ?? true;
            heartbeat.Update(now);
            slow?.ReportOverdue(now);
            if (mustWrite)
            {
                Checked(now);
                _written.Set();
            }

            Wait(allSent ? long.MaxValue : now + BoardFile.Tick.ToNanoseconds());
        }

        if (_mustSendReady)
        {
            lifeline?.SendReady();
        }

        _written.Set();
        _closed.Set();
        while (stop.ForceAt != long.MaxValue)
        {
            WaitForForce();
            stop.ForceIfDue(time.Nanoseconds());
        }
    }

    private void CheckFiles(long now)
    {
        if (now >= _checkAt)
        {
            _checkAt = now + interval.ToNanoseconds();
            heartbeat.Check();
            board?.Check();
            Checked(now);
        }
    }

    private unsafe void Wait(long retryAt)
    {
        var next = Math.Min(Math.Min(heartbeat.NextAt, board?.NextAt ?? _checkAt), Math.Min(stop.ForceAt, retryAt));
        next = Math.Min(next, slow?.NextAt ?? long.MaxValue);
        var polled = stackalloc Libc.PollFd[2];
        polled[0] = new Libc.PollFd { fd = wake.Number, events = Libc.POLLIN };
        polled[1] = new Libc.PollFd { fd = lifeline?.Descriptor ?? -1, events = Libc.POLLIN | Libc.POLLRDHUP };
        if (Libc.poll(polled, 2, Milliseconds(next)) <= 0)
        {
            return;
        }

        if (polled[0].revents != 0)
        {
            wake.Reset();
        }

        if (polled[1].revents != 0 && !lifeline!.Receive(polled[1].revents, Take))
        {
            Array.ForEach(Handlers, static handler => handler.SupervisorGone());
        }
    }

    private void Take(LifelineMessage message)
    {
        Array.ForEach(Handlers, handler => handler.Receive(message, lifeline!));
        if (message.Type != LifelineTypes.Bound)
        {
            // It comes from a newer supervisor, which can do without an answer.
            message.Descriptor?.Dispose();
        }
    }

    private unsafe void WaitForForce() => _ = Libc.poll(null, 0, Milliseconds(stop.ForceAt));

    private int Milliseconds(long until)
    {
        var left = until - time.Nanoseconds();
        return (int)Math.Clamp((left + NanosecondsPerMillisecond - 1) / NanosecondsPerMillisecond, 0, int.MaxValue);
    }
}
