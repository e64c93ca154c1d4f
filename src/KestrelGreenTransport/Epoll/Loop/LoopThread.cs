using KestrelGreenTransport.Epoll.Memory;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// A thread of an event loop: it leads the loop, or runs a handler after it lost the loop, or is a parked spare. It
/// keeps a stack of blocks of its own.
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

    /// <summary>The calling thread, if it is one.</summary>
    public static LoopThread? Current => _current;

    public EventLoop Loop { get; }

    /// <summary>Its number for the kernel, once it runs.</summary>
    public int Id { get; private set; }

    /// <summary>Starts it. It waits for its first signal at once.</summary>
    public void Start(string name) => Loop.Settings.StartThread(new Thread(Run) { IsBackground = true, Name = name });

    /// <summary>Tells a spare what to do next. Each is told once, by whoever took it from the spares.</summary>
    public void Tell(Signal signal)
    {
        _signal.Value = (int)signal;
        _signal.WakeOne();
    }

    /// <summary>Tells a spare that a loop is on offer, unless it has been told and has not looked yet.</summary>
    public void TellOffer()
    {
        if (_signal.Value == (int)Signal.None && _signal.TryReplace((int)Signal.None, (int)Signal.TryOffer))
        {
            _signal.WakeOne();
        }
    }

    /// <summary>For the thread itself: sleeps until it is told something; <see cref="Signal.None"/> when the time is over.</summary>
    public Signal WaitForSignal(TimeSpan? limit)
    {
        _signal.WaitWhile((int)Signal.None, limit);
        return (Signal)_signal.Exchange((int)Signal.None);
    }

    /// <summary>A dispatch with the loop on offer begins.</summary>
    public void NoteStart(TimeProvider time)
    {
        _startedAt = time.GetTimestamp();
        _switchesBefore = KernelThread.VoluntarySwitches();
    }

    /// <summary>Whether the app has waited for something, at least so long, since <see cref="NoteStart"/>.</summary>
    public bool HasBlocked(TimeProvider time, TimeSpan threshold) =>
        time.GetElapsedTime(_startedAt) >= threshold && KernelThread.VoluntarySwitches() != _switchesBefore;

    /// <summary>For the thread that leads from now on: ties it to the loop's processor, if that has one.</summary>
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
    /// For whoever has taken the loop from it and has told nobody yet to lead, so that it cannot be tied again meanwhile: lets
    /// it run wherever the process may.
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
