using KestrelGreenTransport.Epoll.Memory;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// A thread of an event loop. It leads the loop, or still runs a handler after it lost the loop, or is a parked spare. It
/// has its own stack of blocks.
/// </summary>
internal sealed class LoopThread
{
    [ThreadStatic]
    private static LoopThread? _current;

    private readonly BlockCache _blocks;
    private readonly FutexWord _signal = new();
    private long _startedAt;
    private long _switchesBefore;
    private bool _isTied;

    public LoopThread(EventLoop loop)
    {
        Loop = loop;
        _blocks = new BlockCache(BlockStore.ThreadCapacity, loop.Blocks);
    }

    /// <summary>The calling thread, if it is a loop's thread.</summary>
    public static LoopThread? Current => _current;

    public EventLoop Loop { get; }

    /// <summary>Its thread id in the kernel, once it runs.</summary>
    public int Id { get; private set; }

    /// <summary>Starts it. It waits for its first signal at once.</summary>
    public void Start(string name) => Loop.Settings.StartThread(new Thread(Run) { IsBackground = true, Name = name });

    /// <summary>Tells a spare what to do next. Called once, by the thread that took it from the spares.</summary>
    public void Tell(Signal signal)
    {
        _signal.Value = (int)signal;
        _signal.WakeOne();
    }

    /// <summary>Tells a spare that a loop is on offer, unless it has a signal that it has not read yet.</summary>
    public void TellOffer()
    {
        if (_signal.Value == (int)Signal.None && _signal.TryReplace((int)Signal.None, (int)Signal.TryOffer))
        {
            _signal.WakeOne();
        }
    }

    /// <summary>For the thread itself: sleeps until it gets a signal; <see cref="Signal.None"/> after the limit.</summary>
    public Signal WaitForSignal(TimeSpan? limit)
    {
        _signal.WaitWhile((int)Signal.None, limit);
        return (Signal)_signal.Exchange((int)Signal.None);
    }

    /// <summary>A dispatch begins with the loop on offer.</summary>
    public void NoteStart(TimeProvider time)
    {
        _startedAt = time.GetTimestamp();
        _switchesBefore = KernelThread.VoluntarySwitches();
    }

    /// <summary>Whether the app has waited for something and at least this long has passed since <see cref="NoteStart"/>.</summary>
    public bool HasBlocked(TimeProvider time, TimeSpan threshold) =>
        time.GetElapsedTime(_startedAt) >= threshold && KernelThread.VoluntarySwitches() != _switchesBefore;

    /// <summary>For a thread that begins to lead: ties it to the loop's processor, if it has one.</summary>
    public void Tie()
    {
        if (Loop.Processor is not { } processor || _isTied)
        {
            return;
        }

        _isTied = true;
        if (processor.Tie(Id) is { Ok: false } refused)
        {
            Log.LoopNotTied(Loop.Logger, Loop.Name, processor.Number, refused.Message);
        }
    }

    /// <summary>
    /// Unties the thread. Only for the thread that took the loop from it and has not named a new leader yet, so that it cannot
    /// be tied again in between.
    /// </summary>
    public void LetGo()
    {
        if (_isTied)
        {
            _isTied = false;
            _ = Loop.Processor!.LetGo(Id);
        }
    }

    private void Run()
    {
        _current = this;
        BlockCache.Use(_blocks);
        Id = KernelThread.CurrentId;
        for (var leads = Loop.Spares.Await(this); leads; leads = Loop.Spares.Park(this))
        {
            Loop.Lead(this);
        }

        _current = null;
        BlockCache.Use(null);
        Loop.Blocks.TakeBack(_blocks);
    }
}
