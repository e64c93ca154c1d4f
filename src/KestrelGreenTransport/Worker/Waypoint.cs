using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Something that a full beat must pass through. It is asked only when it has answered the last time, so that a stuck
/// one does not collect questions.
/// </summary>
internal abstract class Waypoint(TimeProvider time, Action<Waypoint> passed)
{
    private const int Idle = 0;
    private const int Asked = 1;
    private const int Abandoned = 2;

    private int _state;
    private long _lastPassAt = time.Nanoseconds();

    /// <summary>Whether the beat under way still waits for it. Belongs to the beat thread.</summary>
    public bool IsAwaited { get; set; }

    public bool IsAsked => Volatile.Read(ref _state) == Asked;

    /// <summary>Monotonic nanoseconds of its last pass; before the first one, of the moment it became known.</summary>
    public long LastPassAt => Volatile.Read(ref _lastPassAt);

    public void Ask()
    {
        Volatile.Write(ref _state, Asked);
        PassThrough();
    }

    /// <summary>Gives up waiting for it. True if it was asked and has not answered; its answer will not be told any more.</summary>
    public bool Abandon() => Interlocked.CompareExchange(ref _state, Abandoned, Asked) == Asked;

    /// <summary>Makes <see cref="OnPassed"/> be called from there. Never blocks.</summary>
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
internal sealed class LoopWaypoint : Waypoint
{
    private readonly Action _onPassed;

    public LoopWaypoint(ILoopProbe probe, TimeProvider time, Action<Waypoint> passed)
        : base(time, passed)
    {
        Probe = probe;
        _onPassed = OnPassed;
    }

    public ILoopProbe Probe { get; }

    protected override void PassThrough() => Probe.Pass(_onPassed);
}

/// <summary>The thread pool: one round trip through its global queue.</summary>
internal sealed class ThreadPoolWaypoint(Action<IThreadPoolWorkItem> queue, TimeProvider time, Action<Waypoint> passed)
    : Waypoint(time, passed), IThreadPoolWorkItem
{
    public void Execute() => OnPassed();

    protected override void PassThrough() => queue(this);
}
