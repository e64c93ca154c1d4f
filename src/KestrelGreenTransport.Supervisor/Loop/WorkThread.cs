using System.Collections.Concurrent;

namespace KestrelGreenTransport.Supervisor.Loop;

/// <summary>
/// Does, one after the other, what the supervisor's thread must not wait for: files, and long looks at /proc.
/// What was given to it is done before it is disposed.
/// </summary>
internal sealed class WorkThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    public WorkThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "green-work" };
        _thread.Start();
    }

    /// <summary>The work reports its own failures: nothing here catches them.</summary>
    public void Do(Action work) => _work.Add(work);

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
