using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Supervisor.Tests.Control;

public sealed class ControlServerTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
    private readonly List<SupervisorEvent> _taken = [];
    private readonly BlockingCollection<Action<OperationOutcome, string>> _waiting = [];
    private readonly ControlServer _server;

    public ControlServerTests() => _server = new ControlServer(
        ControlSocket.Bind(_path), Take, Operate, () => Document, ControlQuestions.Of(Journal, () => throw new InvalidOperationException(), () => State, TimeProvider.System),
        new Dictionary<string, Action<ControlRequest, Action<ControlResponse>>> { ["dump"] = Describe },
        NullLogger.Instance, TimeProvider.System);

    private SupervisorState State { get; set; } = new() { Settings = new ArbiterSettings(), Target = 2 };

    private Journal Journal { get; } = new(TimeProvider.System);

    // From another thread, as the real supervisor answers.
    private static void Describe(ControlRequest request, Action<ControlResponse> answer) =>
        new Thread(() => answer(new ControlResponse { Dump = new DumpDocument { Files = [], Stacks = $"{request.Worker} {request.Kind}" } })).Start();

    private static StatusDocument Document => new()
    {
        Name = "test",
        Version = "1.0.0",
        SupervisorPid = 1,
        State = SupervisorPhase.Running,
        Generation = 1,
        StartedAt = DateTimeOffset.UnixEpoch,
        WorkersTarget = 2,
        Listeners = [],
        Workers = [],
    };

    public void Dispose()
    {
        _server.Dispose();
        _waiting.Dispose();
        Assert.False(File.Exists(_path));
    }

    [Fact]
    public void It_is_for_this_user_alone() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_path));

    [Fact]
    public void A_drain_of_one_worker_is_not_one_of_all()
    {
        using (var client = Connect())
        {
            Ask(client, """{"command":"drain","worker":2}""");
        }

        using (var client = Connect())
        {
            Ask(client, """{"command":"drain"}""");
        }

        Assert.Equal([new DrainRequested(2), new DrainAllRequested()], _taken);
    }

    [Fact]
    public void It_answers_a_status_request_and_closes()
    {
        using var client = Connect();

        var answer = Ask(client, """{"command":"status"}""");

        Assert.Null(answer.Error);
        Assert.Equal("test", answer.Status!.Name);
        Assert.Equal(0, client.Receive(new byte[1]));
    }

    [Fact]
    public void It_passes_a_question_about_stacks_on_and_the_answer_back()
    {
        using var client = Connect();

        Assert.Equal("3 heap", Ask(client, """{"command":"dump","worker":3,"kind":"heap"}""").Dump!.Stacks);
    }

    [Fact]
    public void It_tells_what_the_journal_holds()
    {
        Journal.AddLine(1, 4120 + 1, OutputStream.Out, "one");
        Journal.AddLine(2, 4120 + 2, OutputStream.Error, "two");
        Journal.AddEvent(LogLevel.Warning, new EventId(205, "WorkerKilled"), 2, 4122, "worker 2 is killed");
        Journal.AddEvent(LogLevel.Information, new EventId(208, "Scaling"), null, null, "scaling");

        Assert.Equal(["two", "worker 2 is killed"], Lines("""{"command":"logs","worker":2}"""));
        Assert.Equal(["worker 2 is killed", "scaling"], Lines("""{"command":"events"}"""));
        Assert.Equal(["worker 2 is killed", "scaling"], Lines("""{"command":"logs","last":2}"""));
        Assert.Equal(["scaling"], Lines("""{"command":"logs","after":3}"""));
        Assert.Empty(Lines("""{"command":"logs","after":4}"""));

        IEnumerable<string> Lines(string request)
        {
            using var client = Connect();
            var answer = Ask(client, request);
            Assert.Equal(4, answer.Next);
            return [.. answer.Lines!.Select(static line => line.Text)];
        }
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"command":"dance"}""")]
    [InlineData("""{"command":"scale"}""")]
    [InlineData("""{"command":"scale","workers":0}""")]
    [InlineData("""{"command":"scale","workers":1025}""")]
    public void What_it_cannot_do_it_says(string request)
    {
        using var client = Connect();

        var answer = Ask(client, request);

        Assert.NotEmpty(answer.Error!);
        Assert.Null(answer.Status);
        Assert.Empty(_taken);
    }

    [Fact]
    public void A_scale_request_reaches_the_arbiter_before_it_is_answered()
    {
        using var client = Connect();

        Ask(client, """{"command":"scale","workers":5}""");

        Assert.Equal([new ScaleRequested(5)], _taken);
    }

    [Fact]
    public void A_stop_request_is_answered_and_its_connection_ends_with_the_supervisor()
    {
        using var client = Connect();

        Ask(client, """{"command":"stop","quick":true}""");

        Assert.Equal([new StopRequested(StopKind.Quick)], _taken);
        _server.Dispose();
        Assert.Equal(0, client.Receive(new byte[1]));
    }

    [Fact]
    public void A_client_that_waits_gets_the_status_then_the_events_and_at_last_the_outcome()
    {
        Journal.AddEvent(LogLevel.Information, new EventId(208, "Scaling"), null, null, "before");
        using var client = Connect();

        var taken = Ask(client, """{"command":"scale","workers":3,"wait":true}""");
        Assert.Equal(("test", new OperationStatus(1, "scale")), (taken.Status!.Name, taken.Operation));
        var end = _waiting.Take();
        Assert.Equal([new ScaleRequested(3)], _taken);
        Journal.AddEvent(LogLevel.Information, new EventId(208, "Scaling"), null, null, "scaling");
        Assert.Equal("scaling", Assert.Single(Read(client).Lines!).Text);
        end(OperationOutcome.Failed, "no");
        Assert.Equal(new OperationStatus(1, "scale", OperationOutcome.Failed, "no"), Read(client).Operation);
        Assert.Equal(0, client.Receive(new byte[1]));
    }

    [Fact]
    public void Each_of_two_clients_gets_its_own_outcome_and_one_that_leaves_disturbs_neither()
    {
        using var reload = Connect();
        using var restart = Connect();
        Ask(reload, """{"command":"reload","wait":true}""");
        var reloaded = _waiting.Take();
        Ask(restart, """{"command":"restart","worker":2,"wait":true}""");
        var restarted = _waiting.Take();
        using (var gone = Connect())
        {
            Ask(gone, """{"command":"drain","wait":true}""");
        }

        _waiting.Take()(OperationOutcome.Succeeded, "to nobody");
        restarted(OperationOutcome.Superseded, "it is stopping");
        reloaded(OperationOutcome.Succeeded, "done");
        Assert.Equal(new OperationStatus(2, "restart", OperationOutcome.Superseded, "it is stopping"), Read(restart).Operation);
        Assert.Equal(new OperationStatus(1, "reload", OperationOutcome.Succeeded, "done"), Read(reload).Operation);
    }

    [Fact]
    public void What_was_decided_before_the_end_is_answered_and_the_rest_sees_its_connection_end()
    {
        using var told = Connect();
        using var untold = Connect();
        Ask(told, """{"command":"upgrade","wait":true}""");
        var end = _waiting.Take();
        Ask(untold, """{"command":"reload","wait":true}""");

        end(OperationOutcome.Succeeded, "upgraded");
        _server.Dispose();

        Assert.Equal("upgraded", Read(told).Operation!.Message);
        Assert.Equal(0, untold.Receive(new byte[1]));
    }

    [Fact]
    public void Clients_that_wait_leave_room_for_others()
    {
        var waiting = Enumerable.Range(0, 25).Select(_ => Connect()).ToList();
        var answers = waiting.ConvertAll(client => Ask(client, """{"command":"restart","wait":true}""").Error);
        Assert.All(answers.SkipLast(1), Assert.Null);
        Assert.EndsWith("try again later", answers[^1], StringComparison.Ordinal);
        using var client = Connect();
        Assert.Null(Ask(client, """{"command":"status"}""").Error);
        waiting.ForEach(static one => one.Dispose());
    }

    [Fact]
    public void Clients_that_say_nothing_or_half_a_line_do_not_keep_others_waiting()
    {
        var silent = Enumerable.Range(0, 20).Select(_ => Connect()).ToList();
        silent.ForEach(client => client.Send("{\"comm"u8));
        using var client = Connect();

        Assert.Null(Ask(client, """{"command":"status"}""").Error);
        silent.ForEach(one => one.Dispose());
    }

    [Fact]
    public async Task A_client_that_never_ends_its_line_is_dropped_when_its_room_is_up()
    {
        using var client = Connect();

        await Assert.ThrowsAsync<SocketException>(() => SendForEver(client).WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void A_second_supervisor_on_the_same_path_is_refused()
    {
        var refused = Assert.Throws<StartupException>(() => ControlSocket.Bind(_path));

        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
    }

    [Fact]
    public void A_socket_file_that_a_dead_supervisor_left_is_replaced()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            dead.Listen();
            File.Move(path, path + ".kept");
        }

        File.Move(path + ".kept", path);
        using var fresh = ControlSocket.Bind(path);

        Assert.True(File.Exists(path));
    }

    private void Take(SupervisorEvent happened, Action taken)
    {
        _taken.Add(happened);
        taken();
    }

    private void Operate(SupervisorEvent request, Action<long> named, Action<EndOperation, string> ended)
    {
        _taken.Add(request);
        named(_taken.Count);
        var id = _taken.Count;
        _waiting.Add((outcome, message) => ended(new EndOperation(id, request, outcome, 0, null), message));
    }

    private static async Task SendForEver(Socket client)
    {
        while (true)
        {
            await client.SendAsync(new byte[64 * 1024]);
        }
    }

    private Socket Connect()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(_path));
        return client;
    }

    private static ControlResponse Ask(Socket client, string request)
    {
        client.Send(Encoding.UTF8.GetBytes(request + "\n"));
        return Read(client);
    }

    private static ControlResponse Read(Socket client)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (client.Receive(one) == 1 && one[0] != '\n')
        {
            line.Add(one[0]);
        }

        return JsonSerializer.Deserialize(line.ToArray(), ControlJson.Default.ControlResponse)!;
    }
}
