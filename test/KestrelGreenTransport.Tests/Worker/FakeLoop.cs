using KestrelGreenTransport.Accepting;

namespace KestrelGreenTransport.Tests.Worker;

/// <summary>An event loop that answers a probe when the test says so.</summary>
internal sealed class FakeLoop : ILoopProbe
{
    private readonly Queue<Action> _asked = new();

    /// <summary>How often it has been probed so far.</summary>
    public int Questions { get; private set; }

    /// <summary>Answers at once instead of being stuck.</summary>
    public bool Runs { get; set; }

    public void Pass(Action passed)
    {
        Questions++;
        _asked.Enqueue(passed);
        if (Runs)
        {
            Answer();
        }
    }

    public void Answer()
    {
        while (_asked.TryDequeue(out var passed))
        {
            passed();
        }
    }
}

/// <summary>A thread pool that runs its work items when the test says so.</summary>
internal sealed class FakeThreadPool
{
    private readonly Queue<IThreadPoolWorkItem> _queued = new();

    /// <summary>Runs work items at once instead of being starved.</summary>
    public bool Runs { get; set; } = true;

    public void Queue(IThreadPoolWorkItem item)
    {
        _queued.Enqueue(item);
        if (Runs)
        {
            RunAll();
        }
    }

    public void RunAll()
    {
        while (_queued.TryDequeue(out var item))
        {
            item.Execute();
        }
    }
}

/// <summary>A pool whose figures the test sets.</summary>
internal sealed class FakePool : IPoolFigures
{
    public string Endpoint => "tcp://127.0.0.1:1";

    public long Held { get; set; }

    public long Slots { get; set; }

    public bool IsInUse => Held != 0;

    public long Accepted { get; set; }
}
