using KestrelGreenTransport.AccessLogging;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Leading;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Supervision;
using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// The one thread of a worker that keeps the contract with its supervisor: it beats, keeps the board's record, listens
/// on the lifeline, and ends a process that should be gone.
///
/// It waits for nothing but poll(2): not for the thread pool, a lock that the app may hold, or a log. While nothing
/// happens it sleeps from beat to beat.
/// </summary>
internal sealed class BeatThread : IDisposable
{
    private const long NanosecondsPerMillisecond = 1_000_000;

    // Only a file system that hangs can hold the thread up, and then its descriptors are the least trouble.
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    private readonly WakeSignal _wake;
    private readonly Pulse _pulse;
    private readonly BoardLine? _board;
    private readonly SlowRequests? _slow;
    private readonly Lifeline? _lifeline;
    private readonly BindRequests _binds;
    private readonly StatsSender? _stats;
    private readonly WorkerLife _life;
    private readonly WarmUpRun _warmUp;
    private readonly Leadership _leadership;
    private readonly WorkerStop _stop;
    private readonly BoardSiblings _siblings;
    private readonly AccessLog _accessLog;
    private readonly OldestRequests? _oldest;
    private readonly TimeProvider _time;
    private readonly long _checkInterval;
    private readonly Action<LifelineMessage> _received;
    private readonly ManualResetEventSlim _closed = new();
    private readonly Thread _thread;
    private volatile bool _isClosing;
    private long _checkAt;

    public BeatThread(
        WakeSignal wake, Pulse pulse, BoardLine? board, SlowRequests? slow, OldestRequests? oldest, Lifeline? lifeline, BindRequests binds, StatsSender? stats, Leadership leadership,
        WorkerLife life, WarmUpRun warmUp, WorkerStop stop, BoardSiblings siblings, AccessLog accessLog, TimeProvider time, TimeSpan interval)
    {
        _wake = wake;
        _pulse = pulse;
        _board = board;
        _slow = slow;
        _oldest = oldest;
        _lifeline = lifeline;
        _binds = binds;
        _stats = stats;
        _life = life;
        _warmUp = warmUp;
        _leadership = leadership;
        _stop = stop;
        _siblings = siblings;
        _accessLog = accessLog;
        _time = time;
        _checkInterval = interval.ToNanoseconds();
        _received = OnReceived;
        _thread = new Thread(Run) { IsBackground = true, Name = "green-beat" };
    }

    public void Start() => _thread.Start();

    /// <summary>
    /// The host is gone: no more beats. A process that was told to leave is still made to, should it outlive its host.
    /// </summary>
    public void Dispose()
    {
        _isClosing = true;
        _wake.Set();
        if (_thread.IsAlive && !_closed.Wait(CloseLimit))
        {
            return;
        }

        _stats?.Dispose();
        _pulse.Dispose();
        _board?.Dispose();
    }

    private void Run()
    {
        while (!_isClosing)
        {
            var now = _time.Nanoseconds();
            _stop.ForceIfDue(now);
            CheckFiles(now);
            var allSent = _lifeline?.Flush() ?? true;
            _pulse.Turn(now);
            _board?.Turn(now);
            _slow?.Turn(now);
            Wait(allSent ? long.MaxValue : now + BoardFile.Tick.ToNanoseconds());
        }

        // A quick stop can be over before its state was written; and the last requests count too.
        _board?.Turn(_time.Nanoseconds());
        _stats?.Turn();
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
            _pulse.Check();
            _board?.Check();
            _stats?.Turn();
        }
    }

    private unsafe void Wait(long retryAt)
    {
        var next = Math.Min(Math.Min(_pulse.NextAt, _board?.NextAt ?? _checkAt), Math.Min(_stop.ForceAt, retryAt));
        next = Math.Min(next, _slow?.NextAt ?? long.MaxValue);
        var polled = stackalloc Libc.PollFd[2];
        polled[0] = new Libc.PollFd { fd = _wake.Descriptor, events = Libc.POLLIN };
        polled[1] = new Libc.PollFd { fd = _lifeline?.Descriptor ?? -1, events = Libc.POLLIN | LibcWorker.POLLRDHUP };
        if (Libc.poll(polled, 2, Milliseconds(next)) <= 0)
        {
            return;
        }

        if (polled[0].revents != 0)
        {
            _wake.Reset();
        }

        if (_lifeline is not null && !_lifeline.Receive(polled[1].revents, _received))
        {
            _binds.SupervisorGone();
            _stop.SupervisorGone();
        }
    }

    private unsafe void WaitForForce() => _ = Libc.poll(null, 0, Milliseconds(_stop.ForceAt));

    private int Milliseconds(long until)
    {
        var left = until - _time.Nanoseconds();
        return (int)Math.Clamp((left + NanosecondsPerMillisecond - 1) / NanosecondsPerMillisecond, 0, int.MaxValue);
    }

    private void OnReceived(LifelineMessage message)
    {
        switch (message.Type)
        {
            case LifelineTypes.Drain:
                _stop.Drain(message.DeadlineMs);
                break;
            case LifelineTypes.Open:
                _life.Open();
                break;
            case LifelineTypes.Close:
                _life.Close();
                break;
            case LifelineTypes.Warm:
                _warmUp.Begin(message.Path ?? "/", _lifeline!.SendWarmed);
                break;
            case LifelineTypes.Bound:
                _binds.Answered(message);
                break;
            case LifelineTypes.SiblingDied when message.Index is { } index:
                _siblings.OnDied(index);
                break;
            case LifelineTypes.Requests when message.Id is { } id:
                _oldest?.Answer(id, _time.Nanoseconds());
                break;
            case LifelineTypes.Reopen:
                _accessLog.Reopen();
                break;
            case LifelineTypes.Leader:
                _leadership.Appoint(message.Yes == true);
                break;
            default:
                // It comes from a newer supervisor, which can do without an answer.
                message.Descriptor?.Dispose();
                break;
        }
    }
}
