using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Loop;

/// <summary>
/// Runs, one after the other, the actions that the supervisor's thread must not wait for: file access, and long reads of /proc.
/// Dispose waits until all of them are done. If an action fails, that is logged, and the next one still runs.
/// </summary>
internal sealed class WorkThread : IDisposable
{
    private readonly ILogger _logger;
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    public WorkThread(ILogger logger)
    {
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "green-work" };
        _thread.Start();
    }

    public void Do(Action work) => _work.Add(work);

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "No one piece of work, which a worker may have asked for, ends the supervisor.")]
    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                SupervisorLog.WorkFailed(_logger, e);
            }
        }
    }
}
