using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Parts;

/// <summary>Reports the requests and memory of workers that have such a limit to the arbiter.</summary>
/// <param name="board">Where the workers write how many requests they have served.</param>
/// <param name="post">Passes an event to the arbiter.</param>
internal sealed class WorkerMeter(SafeFileHandle board, Action<SupervisorEvent> post) : ISupervisorPart
{
    // Once a second: it reads /proc for each worker.
    private const int EveryTicks = 10;

    private readonly BoardFileReader _board = new(board);
    private int _ticks;

    public void OnTick(SupervisorState state)
    {
        if (_ticks++ % EveryTicks != 0)
        {
            return;
        }

        var limited = state.Workers.Values
            .Where(static worker => worker is { Phase: WorkerPhase.Serving, Pid: not null, Due: null } && (worker.Settings.MaxRequests > 0 || worker.Settings.MaxMemory > 0))
            .ToList();
        if (limited.Count == 0)
        {
            return;
        }

        _ = _board.Refresh(limited[^1].Index);
        foreach (var worker in limited)
        {
            var requests = _board.TryGet(worker.Index, out var record) && record.Pid == worker.Pid ? record.Requests : 0;
            var memory = worker.Settings.MaxMemory > 0 ? ProcFs.RssBytesOf(worker.Pid!.Value) : 0;
            post(new WorkerMeasured(worker.Index, requests, memory));
        }
    }
}
