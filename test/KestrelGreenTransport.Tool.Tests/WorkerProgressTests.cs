using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Tests.Control;
using KestrelGreenTransport.Tool.Commands;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class WorkerProgressTests : IDisposable
{
    private readonly StringWriter _said = new();
    private readonly WorkerProgress _progress;

    public WorkerProgressTests() => _progress = new WorkerProgress(_said);

    public void Dispose() => _said.Dispose();

    [Fact]
    public void Each_change_of_a_worker_is_said_once()
    {
        Look(Worker(1, 11, WorkerPhase.Serving), Worker(2, null, WorkerPhase.Booting));
        Look(Worker(1, 11, WorkerPhase.Serving), Worker(2, 12, WorkerPhase.Booting));
        Look(Worker(1, 11, WorkerPhase.Serving), Worker(2, 12, WorkerPhase.Booting));
        Look(Worker(1, 11, WorkerPhase.Serving), Worker(2, 12, WorkerPhase.Serving));
        Look(Worker(1, 11, WorkerPhase.Draining) with { RequestsInFlight = 1, Connections = 3 }, Worker(2, 12, WorkerPhase.Serving));
        Look(Worker(2, 12, WorkerPhase.Serving));
        Look(Worker(2, 99, WorkerPhase.Serving));

        Assert.Equal(
            ["worker 2 is starting", "worker 2 (pid 12) is serving", "worker 1 (pid 11) is draining, 1 request in flight on 3 connections", "worker 1 (pid 11) has exited", "worker 2 (pid 99) is serving"],
            Said());
    }

    [Fact]
    public void A_worker_that_dies_is_told_of_with_its_reason()
    {
        Look(Worker(1, 11, WorkerPhase.Booting));
        Look(Worker(1, null, WorkerPhase.Backoff) with { LastExit = new LastExitStatus("crash", 134, null, default) });

        Assert.Equal(["worker 1 (pid 11) is starting", "worker 1 will be restarted; last exit: crash (exit code 134)"], Said());
    }

    [Fact]
    public void Who_waits_for_long_is_told_what_for()
    {
        for (var i = 0; i < 101; i++)
        {
            Look(Worker(1, 11, WorkerPhase.Draining) with { RequestsInFlight = 2, Connections = 2 }, Worker(2, 12, WorkerPhase.Serving));
        }

        Assert.Equal(
            ["worker 1 (pid 11) is draining, 2 requests in flight on 2 connections", .. Enumerable.Repeat("still waiting: worker 1 (pid 11) is draining, 2 requests in flight on 2 connections", 2)],
            Said());
    }

    private static WorkerStatus Worker(int index, int? pid, WorkerPhase state) => SampleStatus.Worker(index, state) with { Pid = pid, LastExit = null };

    private void Look(params WorkerStatus[] workers) => _progress.Look(SampleStatus.Document with { Workers = workers });

    private string[] Said() => _said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
