using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Parts;

/// <summary>
/// Asks a worker for its longest running requests, for <c>green status N</c>. Each question is answered exactly once: by the
/// worker, or without its data when it is gone or does not answer in time (because it is stopped, for example).
/// </summary>
/// <param name="post">Runs an action on the supervisor's thread, where everything else happens.</param>
/// <param name="tell">Sends a worker a message; false if there is no such process, or it takes no message.</param>
/// <param name="time">The clock.</param>
internal sealed class RequestsInFlight(Action<Action> post, Func<int, LifelineMessage, bool> tell, TimeProvider time) : ISupervisorPart
{
    /// <summary>How long a worker may take. Its thread that answers does not wait for the app.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    private readonly Dictionary<long, Question> _open = [];
    private long _lastId;

    /// <param name="request">Names the worker.</param>
    /// <param name="answer">Called once, on the supervisor's thread.</param>
    public void Ask(ControlRequest request, Action<ControlResponse> answer) => post(() =>
    {
        if (request.Worker is not { } index)
        {
            answer(new ControlResponse { Error = "name a worker" });
        }
        else if (tell(index, new LifelineMessage { Type = LifelineTypes.Requests, Id = ++_lastId }))
        {
            _open.Add(_lastId, new Question(index, time.GetTimestamp(), answer));
        }
        else
        {
            answer(Unanswered);
        }
    });

    public void OnMessage(WorkerProcess worker, LifelineMessage message)
    {
        if (message is { Type: LifelineTypes.InFlight, Id: { } id, InFlight: { } requests }
            && _open.TryGetValue(id, out var question) && question.Worker == worker.Index)
        {
            Close(id, new ControlResponse
            {
                InFlight = new InFlightStatus([.. requests.Select(static one => new RequestStatus(one.Method, one.Path, one.AgeMs / 1000.0))]),
            });
        }
    }

    public void OnExited(WorkerProcess worker) => CloseAll(question => question.Worker == worker.Index);

    public void OnTick(SupervisorState state) => CloseAll(question => time.GetElapsedTime(question.AskedAt) >= Limit);

    private static ControlResponse Unanswered => new() { InFlight = new InFlightStatus(null) };

    private void CloseAll(Func<Question, bool> which)
    {
        foreach (var (id, _) in _open.Where(pair => which(pair.Value)).ToList())
        {
            Close(id, Unanswered);
        }
    }

    private void Close(long id, ControlResponse response)
    {
        if (_open.Remove(id, out var question))
        {
            question.Answer(response);
        }
    }

    private sealed record Question(int Worker, long AskedAt, Action<ControlResponse> Answer);
}
