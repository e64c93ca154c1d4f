using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Parts;

// A graceful stop is held back until nobody waits on a socket that goes with the supervisor: the kernel resets those who do
// when it is closed, with the request that they may have sent. Refused, a client or a balancer knows that it lost nothing.
// Sockets that outlive the supervisor are left as they are, with all who wait there: those of a service manager, those that it
// keeps for the next start, and those that another supervisor has taken over.

/// <summary>Before a stop: turns new clients away, and lets the workers take those who are there already.</summary>
/// <param name="listeners">The sockets.</param>
/// <param name="areKept">Whether the service manager keeps them when we leave.</param>
/// <param name="isUpgrading">Whether another supervisor comes up on them.</param>
/// <param name="loop">Has the workers.</param>
/// <param name="logger">Hears of clients that nobody took.</param>
/// <param name="time">The clock.</param>
internal sealed class LastClients(ListenerSet listeners, bool areKept, Func<bool> isUpgrading, SupervisorLoop loop, ILogger logger, TimeProvider time)
    : ISupervisorPart
{
    private long _since;
    private bool _isOver;

    private bool IsWaiting => listeners.AreClosing && !_isOver;

    public bool HoldsBack(SupervisorEvent happened)
    {
        if (happened is not StopRequested { Kind: StopKind.Graceful } || _isOver)
        {
            // A quick stop does not wait, and ends the waiting of one that did.
            _isOver |= happened is StopRequested;
            return false;
        }

        if (!IsWaiting)
        {
            if (areKept || listeners.AreLetGo || isUpgrading() || !listeners.All.Any(static listener => listener.IsOurs)
                || !loop.State.Workers.Values.Any(static worker => worker.Phase == WorkerPhase.Serving))
            {
                _isOver = true;
                return false;
            }

            _since = time.GetTimestamp();
            listeners.TurnAway();
        }

        return true;
    }

    // A service manager may tell all processes to stop at once. Workers that leave are not to be replaced.
    public void OnBeat(WorkerProcess worker, WorkerState state)
    {
        if (state == WorkerState.Draining)
        {
            Finish();
        }
    }

    public void OnExited(WorkerProcess worker) => Finish();

    public void OnTick(SupervisorState state)
    {
        if (!IsWaiting)
        {
            return;
        }

        var queued = listeners.All.Where(static listener => listener.IsOurs).Sum(static listener => listener.Queued());
        if (!LastCall.IsOver(time.GetElapsedTime(_since), queued > 0))
        {
            return;
        }

        if (queued > 0)
        {
            SupervisorLog.ClientsLeft(logger, queued, LastCall.Limit.TotalSeconds);
        }

        Finish();
    }

    private void Finish()
    {
        if (IsWaiting)
        {
            _isOver = true;

            // A worker is born with their numbers: while one is being started they stay open, until the end.
            if (loop.State.Workers.Values.All(static worker => worker.Pid is not null || worker.Phase == WorkerPhase.Backoff))
            {
                listeners.CloseOurs();
            }

            loop.Apply(new StopRequested(StopKind.Graceful));
        }
    }
}
