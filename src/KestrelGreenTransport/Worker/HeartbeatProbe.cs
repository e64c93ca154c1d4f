using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// One of the things that a full beat must pass through. It is asked again only after it has answered, so that a stuck one does not
/// collect questions.
/// </summary>
internal abstract class HeartbeatProbe(TimeProvider time, Action<HeartbeatProbe> passed)
{
    private const int Idle = 0;
    private const int Asked = 1;
    private const int Abandoned = 2;

    private int _state;
    private long _lastPassAt = time.Nanoseconds();

    /// <summary>Whether the beat under way still waits for it. Only for the beat thread.</summary>
    public bool IsAwaited { get; set; }

    public bool IsAsked => Volatile.Read(ref _state) == Asked;

    /// <summary>Monotonic nanoseconds of its last pass; before the first one, of the moment it was added.</summary>
    public long LastPassAt => Volatile.Read(ref _lastPassAt);

    public void Ask()
    {
        Volatile.Write(ref _state, Asked);
        PassThrough();
    }

    /// <summary>Stops waiting for it. True if it was asked and has not answered; a later answer is not reported.</summary>
    public bool Abandon() => Interlocked.CompareExchange(ref _state, Abandoned, Asked) == Asked;

    /// <summary>Makes it call <see cref="OnPassed"/>. Never blocks.</summary>
    protected abstract void PassThrough();

    protected void OnPassed()
    {
        Volatile.Write(ref _lastPassAt, time.Nanoseconds());
        if (Interlocked.CompareExchange(ref _state, Idle, Asked) == Asked)
        {
            passed(this);
        }
    }
}

/// <summary>An event loop or IO engine.</summary>
internal sealed class LoopHeartbeatProbe : HeartbeatProbe
{
    private readonly Action _onPassed;

    public LoopHeartbeatProbe(ILoopProbe probe, TimeProvider time, Action<HeartbeatProbe> passed)
        : base(time, passed)
    {
        Probe = probe;
        _onPassed = OnPassed;
    }

    public ILoopProbe Probe { get; }

    protected override void PassThrough() => Probe.Pass(_onPassed);
}

/// <summary>The thread pool: one round trip through its global queue.</summary>
internal sealed class ThreadPoolHeartbeatProbe(Action<IThreadPoolWorkItem> queue, TimeProvider time, Action<HeartbeatProbe> passed)
    : HeartbeatProbe(time, passed), IThreadPoolWorkItem
{
    public void Execute() => OnPassed();

    protected override void PassThrough() => queue(this);
}
