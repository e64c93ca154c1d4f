using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Workers;

/// <summary>
/// Looks more closely when a beat becomes overdue, so that the verdict can give a reason: at the board, and at what the kernel
/// says about the process. Used by the supervisor's thread alone.
/// </summary>
internal sealed class Examiner(SafeFileHandle board, OutOfMemoryWatch memory, IReadOnlySet<string> inheritedInodes, TimeProvider time)
{
    // In ticks: an OOM kill that has explained no death within this time hit a process that is not ours.
    private const int MemoryWindow = 100;

    private readonly BoardFileReader _board = new(board);
    private bool _isFresh;
    private int _ticks;

    /// <summary>Starts a new round; the board is read again when it is next needed.</summary>
    public void BeginTick()
    {
        _isFresh = false;
        if (++_ticks % MemoryWindow == 0)
        {
            memory.Forget();
        }
    }

    /// <summary>What is known about a worker whose beat is late by more than half of Timeout; null for all others.</summary>
    public WorkerExamined? Examine(WorkerProcess worker, SupervisorState state)
    {
        if (!state.Workers.TryGetValue(worker.Index, out var handle) || handle.Phase is not (WorkerPhase.Standby or WorkerPhase.Serving))
        {
            return null;
        }

        if (time.GetTimestamp() - Liveness.SilentSince(handle) <= Nanoseconds.Of(handle.Settings.Timeout) / 2)
        {
            return null;
        }

        if (!_isFresh)
        {
            _ = _board.Refresh(state.Workers.Keys.Max());
            _isFresh = true;
        }

        var pid = worker.Process.Pid;
        var has = _board.TryGet(worker.Index, out var record) && record.Pid == pid;
        return new WorkerExamined(worker.Index, has ? record : null, ProcFs.IsStopped(pid));
    }

    /// <summary>The endpoint on which it listens with a socket that it did not inherit; null if there is none.</summary>
    public string? OwnListenerOf(WorkerProcess worker) => ProcFs.OwnListenerOf(worker.Process.Pid, inheritedInodes);

    /// <summary>Whether the kernel's OOM killer ended this process, as far as can be told.</summary>
    public bool WasKilledForMemory(ExitStatus status) => status.Signal == Signals.SIGKILL && memory.Explains();
}
