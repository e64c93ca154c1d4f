using System.Collections.Concurrent;
using System.Text.Json;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>
/// Answers <c>green status</c> and the other commands on a Unix socket: one line of JSON in, one out. One thread serves all clients
/// and waits for none: a client that sends nothing, an incomplete line or too much is dropped at its time or size limit.
/// When the process runs short of descriptors, it accepts one client at a time.
/// </summary>
internal sealed class ControlServer : IDisposable
{
    private const int MaxClients = 32;
    private const int LookAgainMilliseconds = 1000;

    private readonly ControlSocket _socket;
    private readonly Action<SupervisorEvent, Action> _post;
    private readonly Func<StatusDocument> _status;
    private readonly IReadOnlyDictionary<string, Func<ControlRequest, ControlResponse>> _questions;
    private readonly IReadOnlyDictionary<string, Action<ControlRequest, Action<ControlResponse>>> _lateQuestions;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Action<Action> _upgrade;
    private readonly WakeEvent _wake = new();
    private readonly ConcurrentQueue<(ControlClientConnection Client, bool StayOpen)> _taken = new();
    private readonly ConcurrentQueue<(ControlClientConnection Client, ControlResponse Answer)> _answered = new();
    private readonly List<ControlClientConnection> _clients = [];
    private readonly Thread _thread;
    private volatile bool _stopping;
    private bool _isShort;
    private long _acceptsFrom;

    /// <param name="socket">Where to answer. This server owns it from now on.</param>
    /// <param name="post">Hands an event to the supervisor's thread, which calls back once it has taken the event.</param>
    /// <param name="status">Builds the status document, on this server's thread.</param>
    /// <param name="questions">Further commands, answered on this server's thread.</param>
    /// <param name="lateQuestions">Commands that are answered later, from any thread.</param>
    /// <param name="logger">For errors of this server.</param>
    /// <param name="time">The clock for the clients' time limits.</param>
    /// <param name="upgrade">Begins an upgrade on the supervisor's thread, and calls back once that was tried.</param>
    public ControlServer(
        ControlSocket socket,
        Action<SupervisorEvent, Action> post,
        Func<StatusDocument> status,
        IReadOnlyDictionary<string, Func<ControlRequest, ControlResponse>> questions,
        IReadOnlyDictionary<string, Action<ControlRequest, Action<ControlResponse>>> lateQuestions,
        ILogger logger,
        TimeProvider time,
        Action<Action>? upgrade = null)
    {
        _socket = socket;
        _post = post;
        _status = status;
        _questions = questions;
        _lateQuestions = lateQuestions;
        _logger = logger;
        _time = time;
        _upgrade = upgrade ?? (static _ => { });
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
            while (_taken.TryDequeue(out var request))
            {
                request.Client.Answer(Serialize(Status()), request.StayOpen);
            }

            while (_answered.TryDequeue(out var answered))
            {
                answered.Client.Answer(Serialize(answered.Answer), stayOpen: false);
            }

            Accept();
            foreach (var client in _clients.ToArray())
            {
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
    }

    private unsafe void Wait()
    {
        var polled = new Libc.PollFd[2 + _clients.Count];
        polled[0] = new Libc.PollFd { fd = _wake.Number, events = Libc.POLLIN };

        // With no place or descriptor free, further clients wait in the kernel's queue.
        polled[1] = new Libc.PollFd { fd = MayAccept ? _socket.Number : -1, events = Libc.POLLIN };
        for (var i = 0; i < _clients.Count; i++)
        {
            polled[i + 2] = new Libc.PollFd { fd = _clients[i].Number, events = _clients[i].Interest };
        }

        fixed (Libc.PollFd* first = polled)
        {
            // Clients' time limits are checked once a second; without clients there is nothing to check.
            _ = Libc.poll(first, (nuint)polled.Length, _clients.Count > 0 || _isShort ? LookAgainMilliseconds : -1);
        }

        _wake.Reset();
    }

    private bool MayAccept =>
        _clients.Count < MaxClients && _time.GetTimestamp() >= _acceptsFrom && (_clients.Count == 0 || Exhaustion.Shortage() is null);

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
            case { Command: "stop" }:
                Take(client, new StopRequested(request.Quick == true ? StopKind.Quick : StopKind.Graceful), stayOpen: true);
                break;
            case { Command: "scale", Workers: >= 1 and var workers } when workers <= ArbiterSettings.MaxWorkers:
                Take(client, new ScaleRequested(workers), stayOpen: false);
                break;
            case { Command: "scale" }:
                client.Answer(Error($"workers ({request.Workers?.ToString() ?? "missing"}) must be from 1 to {ArbiterSettings.MaxWorkers}"), stayOpen: false);
                break;
            case { Command: "reload" }:
                Take(client, new ReloadRequested(), stayOpen: false);
                break;
            case { Command: "restart" }:
                Take(client, new RestartRequested(request.Worker), stayOpen: false);
                break;
            case { Command: "drain", Worker: { } one }:
                Take(client, new DrainRequested(one), stayOpen: false);
                break;
            case { Command: "drain" }:
                Take(client, new DrainAllRequested(), stayOpen: false);
                break;
            case { Command: "upgrade" }:
                _upgrade(() => Taken(client, stayOpen: false));
                break;
            case { Command: { } asked } when _questions.TryGetValue(asked, out var answer):
                client.Answer(Serialize(answer(request)), stayOpen: false);
                break;
            case { Command: { } asked } when _lateQuestions.TryGetValue(asked, out var answerLate):
                answerLate(request, response =>
                {
                    _answered.Enqueue((client, response));
                    _wake.Set();
                });
                break;
            case { Command: { Length: <= 32 } command }:
                client.Answer(Error($"unknown command '{command}': this supervisor has version {SupervisorVersion.Text}; is `green` newer?"), stayOpen: false);
                break;
            default:
                client.Answer(Error("not a request: expected one line of JSON such as {\"command\":\"status\"}"), stayOpen: false);
                break;
        }
    }

    private void Take(ControlClientConnection client, SupervisorEvent happened, bool stayOpen) =>
        _post(happened, () => Taken(client, stayOpen));

    // The answer is built on this server's thread: the supervisor's thread must not read /proc for it.
    private void Taken(ControlClientConnection client, bool stayOpen)
    {
        _taken.Enqueue((client, stayOpen));
        _wake.Set();
    }

    private ControlResponse Status() => new() { Status = _status() };

    private static byte[] Serialize(ControlResponse response) => JsonSerializer.SerializeToUtf8Bytes(response, ControlJson.Default.ControlResponse);

    private static byte[] Error(string message) => Serialize(new ControlResponse { Error = message });
}
