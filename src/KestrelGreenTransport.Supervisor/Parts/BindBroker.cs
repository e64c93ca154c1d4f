using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Parts;

/// <summary>
/// Binds what workers ask for, once, and passes the socket to every worker that asks. Lives on the supervisor's thread;
/// the binding itself, which may look at files and at all of /proc, is done by a thread of its own.
/// </summary>
internal sealed class BindBroker(
    Generations generations, ListenerSet listeners, ListenerBinder binder, StoredSockets stored, WorkThread work, Action<Action> post, ILogger logger) : ISupervisorPart
{
    private readonly BrokerBook<BoundListener> _book = new();
    private readonly Dictionary<int, WorkerProcess> _askers = [];
    private bool _isRestClosed;

    public void OnMessage(WorkerProcess worker, LifelineMessage message)
    {
        if (message is not { Type: LifelineTypes.Bind, Id: { } id, Endpoint: { } text })
        {
            return;
        }

        var question = new Question(worker.Process.Pid, id);
        _askers[question.Pid] = worker;
        var plan = generations[worker.Generation].Plan;
        if (plan.ExplicitBinds || !ListenEndpoint.TryParse(text, out var endpoint))
        {
            Answer(question, new BindOutcome(null, $"cannot listen on {text}: {(plan.ExplicitBinds ? "-b names where to listen" : "it is no endpoint of the worker contract")}", 0));
            return;
        }

        var asked = _book.Ask(question, endpoint);
        if (asked.Socket is { } socket)
        {
            Answer(question, new BindOutcome(socket, null, 0));
        }
        else if (asked.BindNow)
        {
            work.Do(() =>
            {
                var outcome = binder.BindAsked(plan, endpoint, asked.Key);
                post(() => OnBound(asked.Key, outcome));
            });
        }
    }

    public void OnExited(WorkerProcess worker)
    {
        _askers.Remove(worker.Process.Pid);
        _book.Gone(worker.Process.Pid);
    }

    public void OnTick(SupervisorState state)
    {
        if (state.EverServed && !_isRestClosed)
        {
            // What an earlier supervisor left was asked for by now, or is not wanted.
            _isRestClosed = true;
            work.Do(stored.Dispose);
        }

        int[] serving = [.. state.Workers.Values.Where(static worker => worker is { Phase: WorkerPhase.Serving, Pid: not null }).Select(static worker => worker.Pid!.Value)];
        foreach (var unused in _book.TakeUnused(serving))
        {
            work.Do(() =>
            {
                if (listeners.Release(unused))
                {
                    SupervisorLog.ListenerClosed(logger, $"{unused.Endpoint}");
                }
            });
        }
    }

    private void OnBound(string key, BindOutcome outcome)
    {
        IReadOnlyList<Question> waiting;
        if (outcome.Listener is { } listener)
        {
            waiting = _book.Succeeded(key, listener);
            // The app alone knows what it speaks there: HTTP, or TLS.
            SupervisorLog.ListenerBound(logger, $"{listener.Endpoint}");
        }
        else
        {
            waiting = _book.Failed(key);
        }

        foreach (var question in waiting)
        {
            Answer(question, outcome);
        }
    }

    private void Answer(Question question, BindOutcome outcome)
    {
        if (!_askers.TryGetValue(question.Pid, out var worker))
        {
            return;
        }

        var message = new LifelineMessage
        {
            Type = LifelineTypes.Bound,
            Id = question.Id,
            Error = outcome.Error,
            Errno = outcome.Errno == 0 ? null : outcome.Errno,
        };
        var sent = worker.Send(message, outcome.Listener?.Descriptor);
        if (!sent.Ok && sent.Error != Errno.EPIPE)
        {
            SupervisorLog.BoundNotSent(logger, worker.Index, question.Pid, sent.Message);
        }
    }
}
