using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Tests.Control;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class SteeringTests : ToolFixture
{
    [Fact]
    public void Stop_says_what_is_going_on_and_returns_when_the_supervisor_has_left()
    {
        using var supervisor = Supervisor(SampleStatus.Document);
        Assert.Equal(
            new Outcome(0, "hello (pid 4120) has stopped.\n", "stopping hello (pid 4120) with 1 worker. Ctrl+C only stops waiting.\n"),
            Green("stop", "--quick"));
        Assert.Equal(["""{"command":"stop","quick":true}"""], supervisor.Requests);
    }

    [Fact]
    public void Stop_without_a_supervisor_is_exit_code_6() => Assert.Equal(6, Green("stop", "--name", "shop").Code);

    [Fact]
    public void Upgrade_returns_when_another_supervisor_answers()
    {
        var upgrading = SampleStatus.Document with { State = SupervisorPhase.Upgrading };
        using var supervisor = Supervisor(upgrading, upgrading, SampleStatus.Document with { SupervisorPid = 5000 });

        Assert.Equal(
            new Outcome(
                0, "hello is upgraded: supervisor 5000, version 1.0.0, is serving with 1 worker.\n",
                "hello: a new supervisor is starting next to 4120. Ctrl+C only stops waiting.\n"),
            Green("upgrade"));
        Assert.Equal("""{"command":"upgrade"}""", supervisor.Requests[0]);
    }

    [Fact]
    public void Upgrade_is_exit_code_7_when_the_old_supervisor_goes_on()
    {
        using var supervisor = Supervisor(SampleStatus.Document with { State = SupervisorPhase.Upgrading }, SampleStatus.Document);

        var (code, output, error) = Green("upgrade");

        Assert.Equal((7, ""), (code, output));
        Assert.Contains("was not upgraded: supervisor 4120 keeps running", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Scale_returns_when_so_many_serve()
    {
        using var supervisor = Supervisor(
            Scaled(3, WorkerPhase.Serving), Scaled(3, WorkerPhase.Serving, WorkerPhase.Booting, WorkerPhase.Booting), Scaled(3, WorkerPhase.Serving, WorkerPhase.Serving, WorkerPhase.Booting), Scaled(3, WorkerPhase.Serving, WorkerPhase.Serving, WorkerPhase.Serving));

        Assert.Equal(
            new Outcome(0, "hello is serving with 3 workers.\n", "worker 2 (pid 4122) is starting\nworker 3 (pid 4123) is starting\nworker 2 (pid 4122) is serving\nworker 3 (pid 4123) is serving\n"),
            Green("scale", "3"));
        Assert.Equal("""{"command":"scale","workers":3}""", supervisor.Requests[0]);
        Assert.Equal(4, supervisor.Requests.Count);
    }

    [Fact]
    public void Scaling_down_waits_for_those_that_leave()
    {
        using var supervisor = Supervisor(Scaled(1, WorkerPhase.Serving, WorkerPhase.Draining), Scaled(1, WorkerPhase.Serving, WorkerPhase.Draining), Scaled(1, WorkerPhase.Serving));

        Assert.Equal(
            new Outcome(0, "hello is serving with 1 worker.\n", "worker 2 (pid 4122) is draining, 1 request in flight on 12 connections\nworker 2 (pid 4122) has exited\n"),
            Green("scale", "1"));
    }

    [Fact]
    public void Scale_fails_when_a_new_worker_dies()
    {
        var before = Scaled(2, WorkerPhase.Serving, WorkerPhase.Booting);
        var died = before with
        {
            Workers = [before.Workers[0], before.Workers[1] with { State = WorkerPhase.Backoff, Restarts = 1, LastExit = new LastExitStatus("crash", 134, null, default) }],
        };
        using var supervisor = Supervisor(before, died);

        Assert.Equal(
            new Outcome(
                1, "",
                "worker 2 (pid 4122) is starting\nworker 2 (pid 4122) will be restarted; last exit: crash (exit code 134)\n"
                + "green: worker 2 does not start: crash (exit code 134). The supervisor keeps trying; 1 of 2 serving. See the reason: green status 2.\n"),
            Green("scale", "2"));
    }

    [Fact]
    public void Scale_gives_up_when_somebody_else_decides_otherwise()
    {
        using (Supervisor(Scaled(2, WorkerPhase.Booting), Scaled(5, WorkerPhase.Booting)))
        {
            Assert.Equal(new Outcome(1, "", "worker 1 (pid 4121) is starting\ngreen: hello was scaled to 5 by another command in the meantime.\n"), Green("scale", "2"));
        }

        using (Supervisor(Scaled(2, WorkerPhase.Booting), Scaled(2, WorkerPhase.Booting) with { State = SupervisorPhase.Stopping }))
        {
            Assert.Equal(new Outcome(1, "", "worker 1 (pid 4121) is starting\ngreen: hello is stopping.\n"), Green("scale", "2"));
        }
    }

    private static StatusDocument Scaled(int target, params WorkerPhase[] states) => SampleStatus.Document with
    {
        WorkersTarget = target,
        Workers = [.. states.Select(static (state, i) => SampleStatus.Worker(i + 1, state))],
    };

    private FakeSupervisor Supervisor(params StatusDocument[] answers) =>
        new(Path.Combine(Folder, "hello.sock"), [.. answers.Select(SampleStatus.Answer)]);
}
