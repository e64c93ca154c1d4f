using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Loop;

/// <summary>
/// A component that runs on the supervisor's thread beside the arbiter and decides nothing about workers. All members
/// are called on that thread, and must not block.
/// </summary>
internal interface ISupervisorPart
{
    /// <summary>An event from outside. A part that defers it passes it on later, if it still matters.</summary>
    bool ShouldDefer(SupervisorEvent happened) => false;

    /// <summary>A worker sent a message on its lifeline.</summary>
    void OnMessage(WorkerProcess worker, LifelineMessage message)
    {
    }

    /// <summary>A new beat of a worker was read; the arbiter learns of it afterwards.</summary>
    void OnBeat(WorkerProcess worker, WorkerState state)
    {
    }

    /// <summary>A worker is about to be told that it leads.</summary>
    void OnAppointing(WorkerProcess worker)
    {
    }

    /// <summary>A worker was reaped. Its descriptors are closed, and the arbiter is told, after this call.</summary>
    void OnExited(WorkerProcess worker)
    {
    }

    /// <summary>A successor is to be started.</summary>
    void OnUpgradeRequested()
    {
    }

    /// <summary>The arbiter has processed an event.</summary>
    void OnState(SupervisorState state)
    {
    }

    /// <summary>Time has passed, and the arbiter has processed everything that happened so far.</summary>
    void OnTick(SupervisorState state)
    {
    }
}
