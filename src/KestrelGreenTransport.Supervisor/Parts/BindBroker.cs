using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Parts;

// A worker may ask while it boots, for a few dozen sockets. If it runs as another user than the supervisor, asking gives it no more
// than it could bind itself, except for endpoints that an operator has named: those are bound as the supervisor's user.

/// <summary>
/// Binds what workers ask for, once, and passes the socket to every worker that asks. Runs on the supervisor's thread;
/// the binding itself, which may read files and all of /proc, runs on another thread.
/// </summary>
internal sealed class BindBroker(
    Generations generations, ListenerSet listeners, ListenerBinder binder, StoredSockets stored, ProcessCredentials? user, WorkThread work, Action<Action> post, ILogger logger)
    : ISupervisorPart
{
    /// <summary>How many sockets one process may ask for.</summary>
    public const int MostOfAWorker = 64;

    private readonly BrokerBook<BoundListener> _book = new();
    private readonly Dictionary<int, Asker> _askers = [];
    private bool _isRestClosed;

    public void OnMessage(WorkerProcess worker, LifelineMessage message)
    {
        if (message is not { Type: LifelineTypes.Bind, Id: { } id, Endpoint: { } text })
        {
            return;
        }

        var question = new Question(worker.Process.Pid, id);
        if (!_askers.TryGetValue(question.Pid, out var asker))
        {
            _askers[question.Pid] = asker = new Asker(worker);
        }

        asker.Questions++;
        var plan = generations[worker.Generation].Plan;
        if (!ListenEndpoint.TryParse(text, out var endpoint))
        {
            Refuse(asker, question, text, "it is not an endpoint of the worker contract");
            return;
        }

        if (WhyNot(asker, plan) is { } why)
        {
            Refuse(asker, question, text, why);
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
                var outcome = binder.BindAsked(plan, endpoint, asked.Key, plan.Names(endpoint) ? null : user);
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
            // By now, sockets of an earlier supervisor that are still here are not wanted.
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

    private string? WhyNot(Asker asker, LaunchPlan plan)
    {
        if (plan.ExplicitBinds)
        {
            return "-b sets the addresses";
        }

        if (asker.Questions > MostOfAWorker)
        {
            return string.Create(CultureInfo.InvariantCulture, $"a worker may ask for at most {MostOfAWorker} sockets");
        }

        // A worker of our own user could bind anything without asking, and an app whose configuration changes does.
        return user is not null && asker.Worker.SaidReady ? "workers of another user get sockets only while they start" : null;
    }

    private void Refuse(Asker asker, Question question, string text, string why)
    {
        if (asker.Refusals.Add(why))
        {
            SupervisorLog.BindRefused(logger, asker.Worker.Index, question.Pid, $"{text}: {why}");
        }

        Answer(question, new BindOutcome(null, $"cannot listen on {text}: {why}", 0));
    }

    private void OnBound(string key, BindOutcome outcome)
    {
        IReadOnlyList<Question> waiting;
        if (outcome.Listener is { } listener)
        {
            waiting = _book.Succeeded(key, listener);
            // Only the app knows whether it speaks HTTP or TLS there, so the endpoint is logged without a scheme.
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
        if (!_askers.TryGetValue(question.Pid, out var asker))
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
        var sent = asker.Worker.Send(message, outcome.Listener?.Descriptor);
        if (!sent.Ok && sent.Error != Errno.EPIPE)
        {
            SupervisorLog.BoundNotSent(logger, asker.Worker.Index, question.Pid, sent.Message);
        }
    }

    private sealed class Asker(WorkerProcess worker)
    {
        public WorkerProcess Worker => worker;

        public int Questions { get; set; }

        /// <summary>The reasons already logged for refusing this worker.</summary>
        public HashSet<string> Refusals { get; } = [];
    }
}
