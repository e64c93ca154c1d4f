using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Parts;

// A graceful stop is delayed until no client waits on a socket that closes with the supervisor: on close, the kernel resets
// waiting clients, although they may have sent a request. A refused client or balancer knows that no request was lost.
// Sockets that outlive the supervisor are left alone, with all clients waiting on them: those of a service manager, those that it
// keeps for the next start, and those that another supervisor has taken over.

/// <summary>Before a stop: turns new clients away, and lets the workers accept those that are already waiting.</summary>
/// <param name="listeners">The sockets.</param>
/// <param name="areKept">Whether the service manager keeps them when we exit.</param>
/// <param name="isUpgrading">Whether another supervisor is starting on them.</param>
/// <param name="loop">Has the workers.</param>
/// <param name="logger">For clients that no worker accepted.</param>
/// <param name="time">The clock.</param>
internal sealed class QueuedClients(ListenerSet listeners, bool areKept, Func<bool> isUpgrading, SupervisorLoop loop, ILogger logger, TimeProvider time)
    : ISupervisorPart
{
    private long _since;
    private bool _isOver;

    private bool IsWaiting => listeners.AreClosing && !_isOver;

    public bool ShouldDefer(SupervisorEvent happened)
    {
        if (happened is not StopRequested { Kind: StopKind.Graceful } || _isOver)
        {
            // A quick stop does not wait, and ends the wait of a graceful one.
            _isOver |= happened is StopRequested;
            return false;
        }

        if (!IsWaiting)
        {
            if (areKept || !listeners.IsOurs || isUpgrading() || !listeners.All.Any(static listener => listener.IsOurs)
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

    // A service manager may tell all processes to stop at once. Workers that are leaving must not be replaced.
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
        if (!DrainGrace.IsOver(time.GetElapsedTime(_since), queued > 0))
        {
            return;
        }

        if (queued > 0)
        {
            SupervisorLog.ClientsLeft(logger, Counted.Of(queued, "client"), DrainGrace.Limit.TotalSeconds);
        }

        Finish();
    }

    private void Finish()
    {
        if (IsWaiting)
        {
            _isOver = true;

            // A worker being started inherits the sockets' numbers: then they stay open until the end.
            if (loop.State.Workers.Values.All(static worker => worker.Pid is not null || worker.Phase == WorkerPhase.Backoff))
            {
                listeners.CloseOurs();
            }

            loop.Apply(new StopRequested(StopKind.Graceful));
        }
    }
}
