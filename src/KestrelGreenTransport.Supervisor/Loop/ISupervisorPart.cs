using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Loop;

/// <summary>
/// Something that lives on the supervisor's thread beside the arbiter and decides nothing about workers. Everything here
/// is called on that thread, and waits for nothing.
/// </summary>
internal interface ISupervisorPart
{
    /// <summary>Somebody outside wants something. Whoever holds it back brings it in later, if it still matters.</summary>
    bool HoldsBack(SupervisorEvent happened) => false;

    /// <summary>A worker said something on its lifeline.</summary>
    void OnMessage(WorkerProcess worker, LifelineMessage message)
    {
    }

    /// <summary>A new beat of a worker was read; the arbiter hears of it after this.</summary>
    void OnBeat(WorkerProcess worker, WorkerState state)
    {
    }

    /// <summary>A worker is about to be told that it leads.</summary>
    void OnAppointing(WorkerProcess worker)
    {
    }

    /// <summary>A worker was reaped; its descriptors are closed, and the arbiter hears of it, after this.</summary>
    void OnExited(WorkerProcess worker)
    {
    }

    /// <summary>The arbiter has taken what happened.</summary>
    void OnState(SupervisorState state)
    {
    }

    /// <summary>Time went by, and the arbiter has taken everything that happened so far.</summary>
    void OnTick(SupervisorState state)
    {
    }
}
