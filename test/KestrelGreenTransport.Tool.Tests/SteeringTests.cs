using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Tests.Control;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class SteeringTests : ToolFixture
{
    private static readonly ControlResponse Taken = new() { Status = SampleStatus.Document, Operation = new OperationStatus(7, "reload"), Next = 40 };

    [Fact]
    public void Stop_says_what_is_going_on_and_returns_when_the_supervisor_has_left()
    {
        using var supervisor = Supervisor([Taken with { Operation = null }, Event("worker 1 (pid 4121) has stopped")]);
        Assert.Equal(
            new Outcome(0, "hello (pid 4120) has stopped.\n", "stopping hello (pid 4120) with 1 worker. Ctrl+C only stops waiting.\nworker 1 (pid 4121) has stopped\n"),
            Green("stop", "--quick"));
        Assert.Equal(["""{"command":"stop","wait":true,"quick":true}"""], supervisor.Requests);
    }

    [Fact]
    public void Stop_without_a_supervisor_is_exit_code_6() => Assert.Equal(6, Green("stop", "--name", "shop").Code);

    [Theory]
    [InlineData("""{"command":"reload","wait":true}""", "reload")]
    [InlineData("""{"command":"restart","wait":true}""", "restart")]
    [InlineData("""{"command":"restart","wait":true,"worker":2}""", "restart", "2")]
    [InlineData("""{"command":"scale","wait":true,"workers":3}""", "scale", "3")]
    [InlineData("""{"command":"drain","wait":true,"worker":2}""", "drain", "2")]
    [InlineData("""{"command":"drain","wait":true}""", "drain", "--all")]
    public void A_command_shows_the_events_until_it_is_over_and_prints_the_outcome(string request, params string[] command)
    {
        using var supervisor = Supervisor([Taken, Event("scaling"), Ended(OperationOutcome.Succeeded, "hello is serving with 3 workers.") with { Lines = Event("done").Lines }]);

        Assert.Equal(new Outcome(0, "hello is serving with 3 workers.\n", "scaling\ndone\n"), Green(command));
        Assert.Equal([request], supervisor.Requests);
    }

    [Theory]
    [InlineData("reload", nameof(OperationOutcome.Failed), 7)]
    [InlineData("reload", nameof(OperationOutcome.Superseded), 7)]
    [InlineData("upgrade", nameof(OperationOutcome.Failed), 7)]
    [InlineData("restart", nameof(OperationOutcome.Failed), 1)]
    [InlineData("restart", nameof(OperationOutcome.Superseded), 1)]
    [InlineData("restart", nameof(OperationOutcome.Refused), 2)]
    public void The_exit_code_tells_what_was_asked_for_in_vain_and_what_could_not_be(string command, string outcome, int code)
    {
        using var supervisor = Supervisor([Taken, Ended(Enum.Parse<OperationOutcome>(outcome), "that is why.")]);

        var (exit, output, error) = Green(command);

        Assert.Equal((code, ""), (exit, output));
        Assert.EndsWith("green: that is why.\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_lines_of_the_worker_that_made_it_fail_come_first()
    {
        var failed = Ended(OperationOutcome.Failed, "the reload failed.");
        using var supervisor = Supervisor(
            [Taken, failed with { Operation = failed.Operation! with { Worker = 2 } }],
            [new ControlResponse { Lines = [Line("a line of the worker") with { Stream = "error" }, Line("an event")] }]);

        Assert.Equal(new Outcome(7, "", "    a line of the worker\ngreen: the reload failed.\n"), Green("reload"));
        Assert.Equal("""{"command":"logs","worker":2,"last":60,"after":40}""", supervisor.Requests[1]);
    }

    [Fact]
    public void Who_waits_for_long_is_told_what_for()
    {
        var status = SampleStatus.Document with { Workers = [SampleStatus.Worker(1), SampleStatus.Worker(2, WorkerPhase.Draining)] };
        using var supervisor = Supervisor([Taken, new ControlResponse { Status = status }, Ended(OperationOutcome.Succeeded, "done.")]);

        Assert.Equal(new Outcome(0, "done.\n", "still waiting: worker 2 (pid 4122) is draining, 1 request in flight on 12 connections\n"), Green("drain", "2"));
    }

    [Fact]
    public void An_older_supervisor_takes_a_command_but_does_not_say_how_it_ends()
    {
        using var supervisor = Supervisor([Taken with { Operation = null }]);

        Assert.Equal(
            new Outcome(
                1, "",
                "green: supervisor 4120 has taken the command, but its version, 1.0.0, does not say when it is over. See: green status. To replace it by this version: green upgrade.\n"),
            Green("scale", "3"));
    }

    [Fact]
    public void A_supervisor_that_goes_away_in_the_middle_leaves_nobody_waiting()
    {
        using var supervisor = Supervisor([Taken, Event("reloading")]);

        Assert.Equal(
            new Outcome(1, "", "reloading\ngreen: the supervisor closed the connection before it was over: it has exited, or a new one took its place. See what it does: green status.\n"),
            Green("reload"));
    }

    [Theory]
    [InlineData("it says that the new one takes over")]
    [InlineData("its connection ends with the handover")]
    [InlineData("it is older and says nothing")]
    public void Upgrade_returns_when_another_supervisor_answers(string how)
    {
        ControlResponse[] first = how switch
        {
            "it is older and says nothing" => [Taken with { Operation = null }],
            "its connection ends with the handover" => [Taken],
            _ => [Taken, Ended(OperationOutcome.Succeeded, "hello is upgraded: the new supervisor takes over.")],
        };
        using var supervisor = Supervisor(
            first, [Status(SampleStatus.Document with { State = SupervisorPhase.Upgrading })], [Status(SampleStatus.Document with { SupervisorPid = 5000, Version = "1.1.0" })]);

        Assert.Equal(
            new Outcome(
                0, "hello is upgraded: supervisor 5000, version 1.1.0, is serving with 1 worker.\n",
                "hello: a new supervisor is starting next to 4120. Ctrl+C only stops waiting.\n"),
            Green("upgrade"));
        Assert.Equal("""{"command":"upgrade","wait":true}""", supervisor.Requests[0]);
    }

    [Fact]
    public void Upgrade_is_exit_code_7_when_an_older_supervisor_goes_on()
    {
        using var supervisor = Supervisor([Taken with { Operation = null }], [Status(SampleStatus.Document)]);

        var (code, output, error) = Green("upgrade");

        Assert.Equal((7, ""), (code, output));
        Assert.Contains("was not upgraded: supervisor 4120 keeps running", error, StringComparison.Ordinal);
    }

    private static ControlResponse Status(StatusDocument status) => new() { Status = status };

    private static ControlResponse Ended(OperationOutcome outcome, string message) => new() { Operation = new OperationStatus(7, "reload", outcome, message) };

    private static ControlResponse Event(string text) => new() { Lines = [Line(text)] };

    private static LogLine Line(string text) => new()
    {
        Sequence = 41,
        At = DateTimeOffset.UnixEpoch,
        Worker = null,
        Pid = null,
        Stream = null,
        Level = "information",
        Id = 208,
        Event = "Scaling",
        Text = text,
    };

    // Each connection gets its lines.
    private FakeSupervisor Supervisor(params ControlResponse[][] answers) => new(
        Path.Combine(Folder, "hello.sock"),
        [.. answers.Select(static lines => string.Concat(lines.Select(static line => JsonSerializer.Serialize(line, ControlJson.Default.ControlResponse) + "\n")))]);
}
