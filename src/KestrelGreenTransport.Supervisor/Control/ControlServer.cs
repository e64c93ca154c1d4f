using System.Collections.Concurrent;
using System.Text.Json;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>
/// Answers <c>green status</c> and the other commands on a Unix socket: one line of JSON in, one out. A client that waits for the end of
/// what it asked for gets more lines: the supervisor's events meanwhile, and at last the outcome. One thread serves all clients
/// and waits for none: a client that sends nothing, an incomplete line or too much is dropped at its time or size limit.
/// When the process runs short of descriptors, it accepts one client at a time, not counting those that wait.
/// </summary>
internal sealed class ControlServer : IDisposable
{
    private const int MaxClients = 32;
    private const int LookAgainMilliseconds = 1000;

    // Clients that wait must leave room for others.
    private const int MaxFollowers = 24;
    private const int NewsMilliseconds = 200;
    private const long RemindAfterNanoseconds = 10_000_000_000;

    private readonly ControlSocket _socket;
    private readonly Action<SupervisorEvent, Action> _post;
    private readonly Action<SupervisorEvent, Action<long>, Action<EndOperation, string>> _operate;
    private readonly Func<StatusDocument> _status;
    private readonly IReadOnlyDictionary<string, Func<ControlRequest, ControlResponse>> _questions;
    private readonly IReadOnlyDictionary<string, Action<ControlRequest, Action<ControlResponse>>> _lateQuestions;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly WakeEvent _wake = new();
    private readonly ConcurrentQueue<Action> _answers = new();
    private readonly List<ControlClientConnection> _clients = [];
    private readonly Thread _thread;
    private volatile bool _stopping;
    private bool _isShort;
    private long _acceptsFrom;

    /// <param name="socket">Where to answer. This server owns it from now on.</param>
    /// <param name="post">Hands an event to the supervisor's thread, which calls back once it has taken the event.</param>
    /// <param name="operate">Hands over an event that is an operation. Calls back with its id once it is taken, and with its outcome in words once it is over.</param>
    /// <param name="status">Builds the status document, on this server's thread.</param>
    /// <param name="questions">Further commands, answered on this server's thread.</param>
    /// <param name="lateQuestions">Commands that are answered later, from any thread.</param>
    /// <param name="logger">For errors of this server.</param>
    /// <param name="time">The clock for the clients' time limits.</param>
    public ControlServer(
        ControlSocket socket,
        Action<SupervisorEvent, Action> post,
        Action<SupervisorEvent, Action<long>, Action<EndOperation, string>> operate,
        Func<StatusDocument> status,
        IReadOnlyDictionary<string, Func<ControlRequest, ControlResponse>> questions,
        IReadOnlyDictionary<string, Action<ControlRequest, Action<ControlResponse>>> lateQuestions,
        ILogger logger,
        TimeProvider time)
    {
        _socket = socket;
        _post = post;
        _operate = operate;
        _status = status;
        _questions = questions;
        _lateQuestions = lateQuestions;
        _logger = logger;
        _time = time;
        _thread = new Thread(Run) { IsBackground = true, Name = "green-control" };
        _thread.Start();
    }

    /// <summary>Stops answering. Clients that wait for the supervisor's end see it now.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();

        // Remove the file first: a client that sees its connection end must not find the socket still there.
        _socket.Dispose();
        foreach (var client in _clients)
        {
            client.Dispose();
        }
    }

    private void Run()
    {
        while (!_stopping)
        {
            Wait();
            Accept();
            Serve();
        }

        // What was decided before the end is still answered.
        Serve();
    }

    private void Serve()
    {
        while (_answers.TryDequeue(out var answer))
        {
            answer();
        }

        foreach (var client in _clients.ToArray())
        {
            ShowProgress(client);
            if (client.Proceed(_time.GetTimestamp()) is { } line)
            {
                Handle(client, line);
            }

            if (client.IsDone)
            {
                _clients.Remove(client);
                client.Dispose();
            }
        }
    }

    // A client that has not read the last line yet gets all news with the next one.
    private void ShowProgress(ControlClientConnection client)
    {
        if (client is not { Events: not null, IsStaying: true })
        {
            return;
        }

        if (News(client) is { } news)
        {
            client.Answer(Serialize(news), stayOpen: true);
        }
        else if (_time.GetTimestamp() - client.AnsweredAt > RemindAfterNanoseconds)
        {
            client.Answer(Serialize(Status()), stayOpen: true);
        }
    }

    // The events that it has not seen; null if there are none.
    private ControlResponse? News(ControlClientConnection client)
    {
        var news = _questions["events"](new ControlRequest { Command = "events", After = client.Events });
        client.Events = news.Next;
        return news.Lines is { Count: > 0 } ? news : null;
    }

    private unsafe void Wait()
    {
        var polled = new Libc.PollFd[2 + _clients.Count];
        polled[0] = new Libc.PollFd { fd = _wake.Number, events = Libc.POLLIN };

        // With no place or descriptor free, further clients wait in the kernel's queue.
        polled[1] = new Libc.PollFd { fd = MayAccept ? _socket.Number : -1, events = Libc.POLLIN };
        for (var i = 0; i < _clients.Count; i++)
        {
            // poll reports a hang-up even where nothing is asked for: a client that left before its answer would keep this thread awake.
            polled[i + 2] = new Libc.PollFd { fd = _clients[i].Interest == 0 ? -1 : _clients[i].Number, events = _clients[i].Interest };
        }

        fixed (Libc.PollFd* first = polled)
        {
            // Clients' time limits are checked once a second; without clients there is nothing to check.
            _ = Libc.poll(
                first, (nuint)polled.Length, _clients.Exists(static client => client.Events is not null) ? NewsMilliseconds : _clients.Count > 0 || _isShort ? LookAgainMilliseconds : -1);
        }

        _wake.Reset();
    }

    private bool MayAccept =>
        _clients.Count < MaxClients && _time.GetTimestamp() >= _acceptsFrom && (_clients.TrueForAll(static client => client.Events is not null) || Exhaustion.Shortage() is null);

    private void Accept()
    {
        while (MayAccept)
        {
            var accepted = _socket.Accept();
            if (Exhaustion.IsOfDescriptors(accepted.Error))
            {
                // The client stays in the queue and the socket stays readable: without this pause we would spin. Logged once, until it works again.
                if (!_isShort)
                {
                    SupervisorLog.ControlFailed(_logger, Exhaustion.Explain(accepted));
                }

                (_isShort, _acceptsFrom) = (true, _time.GetTimestamp() + (LookAgainMilliseconds * 1_000_000L));
                return;
            }

            if (!accepted.Ok)
            {
                if (accepted.Error is not (Errno.EAGAIN or Errno.EINTR or Errno.ECONNABORTED))
                {
                    SupervisorLog.ControlFailed(_logger, accepted.Message);
                }

                return;
            }

            _isShort = false;
            var client = new ControlClientConnection(new Descriptor((int)accepted.Value), _time.GetTimestamp());
            _clients.Add(client);
            if (!client.IsOursOrRoots())
            {
                client.Answer(Error("this control socket belongs to another user"), stayOpen: false);
            }
        }
    }

    private void Handle(ControlClientConnection client, ReadOnlyMemory<byte> line)
    {
        ControlRequest? request;
        try
        {
            request = JsonSerializer.Deserialize(line.Span, ControlJson.Default.ControlRequest);
        }
        catch (JsonException)
        {
            request = null;
        }

        switch (request)
        {
            case { Command: "status" }:
                client.Answer(Serialize(Status()), stayOpen: false);
                break;
            case { Command: "scale" } when request.Workers is not >= 1 || request.Workers > ArbiterSettings.MaxWorkers:
                client.Answer(Error($"workers ({request.Workers?.ToString() ?? "missing"}) must be from 1 to {ArbiterSettings.MaxWorkers}"), stayOpen: false);
                break;
            case { Wait: true, Command: not "stop" } when _clients.Count(static one => one.Events is not null) >= MaxFollowers:
                client.Answer(Error($"{MaxFollowers} clients are waiting for the end of a command already; try again later"), stayOpen: false);
                break;
            case not null when EventOf(request) is { } asked:
                Take(client, request, asked);
                break;
            case { Command: { } asked } when _questions.TryGetValue(asked, out var answer):
                client.Answer(Serialize(answer(request)), stayOpen: false);
                break;
            case { Command: { } asked } when _lateQuestions.TryGetValue(asked, out var answerLate):
                answerLate(request, response => Later(() => client.Answer(Serialize(response), stayOpen: false)));
                break;
            case { Command: { Length: <= 32 } command }:
                client.Answer(Error($"unknown command '{command}': this supervisor has version {SupervisorVersion.Text}; is `green` newer?"), stayOpen: false);
                break;
            default:
                client.Answer(Error("not a request: expected one line of JSON such as {\"command\":\"status\"}"), stayOpen: false);
                break;
        }
    }

    private static SupervisorEvent? EventOf(ControlRequest request) => request.Command switch
    {
        "stop" => new StopRequested(request.Quick == true ? StopKind.Quick : StopKind.Graceful),
        "scale" => new ScaleRequested(request.Workers!.Value),
        "reload" => new ReloadRequested(),
        "restart" => new RestartRequested(request.Worker),
        "drain" => request.Worker is { } worker ? new DrainRequested(worker) : new DrainAllRequested(),
        "upgrade" => new UpgradeRequested(),
        _ => null,
    };

    private void Take(ControlClientConnection client, ControlRequest request, SupervisorEvent asked)
    {
        client.Events = request.Wait == true ? LastEvent() : null;
        if (client.Events is null || asked is StopRequested)
        {
            // The connection of a stop ends with the supervisor.
            _post(asked, () => Taken(client, null, stayOpen: asked is StopRequested));
            return;
        }

        _operate(
            asked,
            id => Taken(client, new OperationStatus(id, request.Command), stayOpen: true),
            (end, message) => Later(() => client.Answer(
                Serialize(new ControlResponse
                {
                    Operation = new OperationStatus(end.Id, request.Command, end.Outcome, message, ReloadFailure.WorkerOf(end.Cause)),
                    Lines = News(client)?.Lines,
                }),
                stayOpen: false)));
    }

    // The answer is built on this server's thread: the supervisor's thread must not read /proc for it.
    private void Taken(ControlClientConnection client, OperationStatus? operation, bool stayOpen) =>
        Later(() => client.Answer(Serialize(Status() with { Operation = operation, Next = client.Events }), stayOpen));

    private void Later(Action answer)
    {
        _answers.Enqueue(answer);
        _wake.Set();
    }

    private long? LastEvent() => _questions["events"](new ControlRequest { Command = "events", Last = 0 }).Next;

    private ControlResponse Status() => new() { Status = _status() };

    private static byte[] Serialize(ControlResponse response) => JsonSerializer.SerializeToUtf8Bytes(response, ControlJson.Default.ControlResponse);

    private static byte[] Error(string message) => Serialize(new ControlResponse { Error = message });
}
