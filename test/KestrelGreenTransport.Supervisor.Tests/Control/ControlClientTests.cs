using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Control;

public sealed class ControlClientTests : IDisposable
{
    // Long enough for an answer on a busy machine.
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    // The tests of silence wait this long.
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    private readonly string _folder = Directory.CreateTempSubdirectory("green-control-").FullName;

    private string SocketPath => Path.Combine(_folder, "shop.sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_command_is_one_line_and_so_is_its_answer()
    {
        using var supervisor = new FakeSupervisor(SocketPath, SampleStatus.Answer(SampleStatus.Document));

        var status = Client(Generous).Ask(new ControlRequest { Command = "scale", Workers = 3 });

        Assert.Equal(SampleStatus.Json, JsonSerializer.Serialize(status, ControlJson.Default.StatusDocument));
        Assert.Equal(["""{"command":"scale","workers":3}"""], supervisor.Requests);
    }

    [Fact]
    public void An_answer_may_come_in_pieces()
    {
        using var supervisor = new FakeSupervisor(SocketPath, static async (socket, _, _) =>
        {
            foreach (var piece in SampleStatus.Answer(SampleStatus.Document).Chunk(7))
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes(piece));
            }
        });

        Assert.Equal("hello", Client(Generous).Ask(Status).Name);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("\n")]
    [InlineData("null\n")]
    [InlineData("{}\n")]
    [InlineData("[1,2]\n")]
    public void Garbage_is_no_supervisor(string answer)
    {
        using var supervisor = new FakeSupervisor(SocketPath, answer);

        Expect(1, $"the process answering on {SocketPath} is not a supervisor that green knows. Name the right socket with --control.", Generous);
    }

    [Fact]
    public void An_answer_without_end_is_no_supervisor_either()
    {
        using var supervisor = new FakeSupervisor(SocketPath, static async (socket, _, end) =>
        {
            var much = new byte[64 * 1024];
            while (true)
            {
                await socket.SendAsync(much, end);
            }
        });

        Expect(1, $"the process answering on {SocketPath} is not a supervisor that green knows. Name the right socket with --control.", Generous);
    }

    [Theory]
    [InlineData("")]
    [InlineData("""{"error":null,"sta""")]
    public void Half_a_line_and_then_the_end_says_that_it_may_be_leaving(string half)
    {
        using var supervisor = new FakeSupervisor(SocketPath, half);

        Expect(1, $"the supervisor on {SocketPath} closed the connection without an answer: it may be exiting. Try again.", Generous);
    }

    [Theory]
    [InlineData("")]
    [InlineData("""{"error":null,"sta""")]
    public void Silence_is_waited_out_no_longer_than_the_limit_and_names_the_process(string half)
    {
        using var supervisor = new FakeSupervisor(SocketPath, async (socket, _, end) =>
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(half));
            await Task.Delay(Timeout.Infinite, end);
        });

        // The listening process is this one.
        Expect(1, $"the supervisor on {SocketPath} did not answer within 50ms: inspect it with ps -o pid,stat,wchan -p {Environment.ProcessId}.", Short);
    }

    [Fact]
    public void A_refusal_is_passed_on()
    {
        using var supervisor = new FakeSupervisor(SocketPath, """{"error":"this control socket belongs to another user","status":null}""" + "\n");

        Expect(1, $"the supervisor on {SocketPath} says: this control socket belongs to another user.", Generous);
    }

    [Fact]
    public void Nobody_there_is_exit_code_6_with_and_without_a_file()
    {
        var expected = $"no supervisor is running on {SocketPath}. Start one with green run, or name another with --name or --control.";
        Expect(ExitCodes.NoSupervisor, expected, Generous);

        new FakeSupervisor(SocketPath, "").Dispose();
        LeaveStaleFile(SocketPath);
        Expect(ExitCodes.NoSupervisor, expected, Generous);
    }

    [Theory]
    [InlineData(SocketError.AccessDenied, 1, "/run/shop.sock is owned by another user: run green as that user, or with sudo.")]
    [InlineData(SocketError.WouldBlock, 1, "the supervisor on /run/shop.sock accepts no connections: it may be stopped, or hang.")]
    [InlineData(SocketError.ConnectionRefused, 6, "no supervisor is running on /run/shop.sock. Start one with green run, or name another with --name or --control.")]
    public void A_failed_connect_is_explained(SocketError error, int exitCode, string message)
    {
        var failed = ControlClient.Unreachable("/run/shop.sock", error);

        Assert.Equal((exitCode, message), (failed.ExitCode, failed.Message));
    }

    [Fact]
    public async Task Stop_waits_until_the_supervisor_lets_go_of_the_connection()
    {
        var leaving = new TaskCompletionSource();
        using var supervisor = new FakeSupervisor(SocketPath, async (socket, _, end) =>
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(SampleStatus.Answer(SampleStatus.Document)), end);
            await leaving.Task.WaitAsync(end);
        });
        var taken = new TaskCompletionSource<StatusDocument>();

        // The listening process is this one, which does not exit.
        var client = new ControlClient(SocketPath, TimeProvider.System, Generous) { LeaveLimit = TimeSpan.Zero };
        var stopped = Task.Run(() => client.Stop(quick: true).Select(answer => taken.TrySetResult(answer.Status!)).ToList());
        var status = await taken.Task.WaitAsync(Generous);

        Assert.Equal("hello", status.Name);
        Assert.False(stopped.IsCompleted);
        leaving.SetResult();
        await stopped.WaitAsync(Generous);
        Assert.Equal(["""{"command":"stop","wait":true,"quick":true}"""], supervisor.Requests);
    }

    [Fact]
    public void An_operation_is_followed_to_its_outcome_however_its_lines_arrive()
    {
        var pending = new ControlResponse { Status = SampleStatus.Document, Operation = new OperationStatus(7, "reload") };
        ControlResponse[] answers = [pending, new() { Lines = [] }, new() { Operation = new OperationStatus(7, "reload", OperationOutcome.Superseded, "it is stopping") }];
        var lines = string.Concat(answers.Select(static answer => JsonSerializer.Serialize(answer, ControlJson.Default.ControlResponse) + "\n"));
        using (var supervisor = new FakeSupervisor(SocketPath, lines))
        {
            var followed = Client(Generous).Follow(new ControlRequest { Command = "reload" }).ToList();
            Assert.Equal(
                [(true, OperationOutcome.Pending), (false, OperationOutcome.Pending), (false, OperationOutcome.Superseded)],
                followed.Select(static answer => (answer.Status is not null, answer.Operation!.Outcome)));
            Assert.Equal(["""{"command":"reload","wait":true}"""], supervisor.Requests);
        }

        // It exits in the middle.
        File.Delete(SocketPath);
        using (new FakeSupervisor(SocketPath, lines[..lines.LastIndexOf("superseded", StringComparison.Ordinal)]))
        {
            Assert.Equal(OperationOutcome.Pending, Client(Generous).Follow(new ControlRequest { Command = "reload" }).Last().Operation!.Outcome);
        }
    }

    [Fact]
    public void A_state_that_only_a_newer_supervisor_knows_is_read_as_the_first_one()
    {
        using var supervisor = new FakeSupervisor(SocketPath, SampleStatus.Answer(SampleStatus.Document).Replace("\"serving\"", "\"resting\"", StringComparison.Ordinal));

        Assert.Equal((SupervisorPhase.Running, WorkerPhase.Booting), (Client(Generous).Ask(Status).State, Client(Generous).Ask(Status).Workers[0].State));
    }

    [Fact]
    public void Without_a_name_the_only_living_supervisor_is_meant()
    {
        LeaveStaleFile(Path.Combine(_folder, "killed.sock"));
        using var supervisor = new FakeSupervisor(SocketPath, "");

        Assert.Equal(SocketPath, ControlTarget.Find(null, null, _folder));
        Assert.Equal(SocketPath, ControlTarget.Find(null, "shop", _folder));
        Assert.Equal("/elsewhere.sock", ControlTarget.Find("/elsewhere.sock", "shop", _folder));
    }

    [Fact]
    public void When_several_live_they_are_named()
    {
        using var shop = new FakeSupervisor(SocketPath, "");
        using var blog = new FakeSupervisor(Path.Combine(_folder, "blog.sock"), "");

        Expect(ExitCodes.Usage, "several supervisors are running: blog, shop. Name one, as in --name blog.", () => ControlTarget.Find(null, null, _folder));
        Expect(ExitCodes.NoSupervisor, $"this user has no running supervisor named wiki in {_folder}; running: blog, shop.", () => ControlTarget.Find(null, "wiki", _folder));
    }

    [Fact]
    public void When_none_lives_the_next_step_is_said()
    {
        LeaveStaleFile(SocketPath);

        Expect(
            ExitCodes.NoSupervisor,
            $"this user has no running supervisor in {_folder}. Start one with green run APP, or name another socket with --control PATH.",
            () => ControlTarget.Find(null, null, _folder));
        Expect(
            ExitCodes.NoSupervisor,
            $"this user has no running supervisor named shop in {_folder}. Start it with green run --name shop APP.",
            () => ControlTarget.Find(null, "shop", _folder));
    }

    private static ControlRequest Status => new() { Command = "status" };

    private ControlClient Client(TimeSpan limit) => new(SocketPath, TimeProvider.System, limit);

    private void Expect(int exitCode, string message, TimeSpan limit) => Expect(exitCode, message, () => Client(limit).Ask(Status));

    private static void Expect(int exitCode, string message, Func<object> act)
    {
        var failed = Assert.Throws<ControlException>(act);
        Assert.Equal((exitCode, message), (failed.ExitCode, failed.Message));
    }

    // What a killed supervisor leaves: a bound name without a listener.
    private static void LeaveStaleFile(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var elsewhere = path + ".bound";
        socket.Bind(new UnixDomainSocketEndPoint(elsewhere));
        // .NET deletes the file that it bound; under another name it stays.
        File.Move(elsewhere, path);
    }
}
