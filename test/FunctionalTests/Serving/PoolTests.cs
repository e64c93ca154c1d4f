using FunctionalTests.Harness;

namespace FunctionalTests.Serving;

/// <summary>The limit on connections, through the whole stack: a full worker does not accept, and no client is refused.</summary>
public sealed class PoolTests
{
    [Fact]
    [Trait("Set", "smoke")]
    public async Task Of_five_clients_of_a_pool_of_two_three_wait_and_all_five_are_served()
    {
        await using var green = GreenRun.Start(["-w", "1", "--worker-connections", "2"]);
        await green.Serving(1);
        var target = await green.Target();

        var clients = Enumerable.Range(0, 5).Select(_ => target.Get("/slow?ms=1500")).ToArray();
        var full = await green.StatusWhen("two are served and three wait", static status =>
            status.Workers[0] is { Connections: 2, RequestsInFlight: 2 } && status.Listeners[0].Queued == 3);
        Assert.Equal(2, full.Workers[0].ConnectionsLimit);
        Assert.Equal(2, full.Workers[0].AcceptedTotal);
        Assert.DoesNotContain(clients, static client => client.IsCompleted);

        var answers = await Task.WhenAll(clients);
        Assert.All(answers, answer => Assert.Equal($"{full.Workers[0].Pid}", answer));
        await green.StatusWhen("every slot came back", static status =>
            status.Workers[0] is { Connections: 0, AcceptedTotal: 5 } && status.Listeners[0].Queued == 0);
        await green.StopCleanly();
    }

    [Fact]
    public async Task The_pool_is_never_exceeded_and_an_idle_keep_alive_connection_holds_its_slot()
    {
        await using var green = GreenRun.Start(["-w", "1", "--worker-connections", "1"]);
        await green.Serving(1);
        var target = await green.Target();
        using var idle = await RawConnection.To(target);
        await idle.Get("/pid");

        var waiting = target.Get("/pid");
        await green.StatusWhen("the second client waits", static status => status.Listeners[0].Queued == 1);
        Assert.False(waiting.IsCompleted);
        idle.Dispose();
        await waiting;
        await green.StopCleanly();
    }

    [Fact]
    public async Task With_pools_of_one_the_second_connection_goes_to_the_other_worker()
    {
        await using var green = GreenRun.Start(["-w", "2", "--worker-connections", "1"]);
        var status = await green.Serving(2);
        var target = await green.Target();
        using var first = await RawConnection.To(target);
        using var second = await RawConnection.To(target);

        string[] answers = [await first.Get("/pid"), await second.Get("/pid")];
        Assert.Equal(status.Workers.Select(static worker => $"{worker.Pid}").Order(), answers.Order());
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_worker_out_of_descriptors_neither_spins_nor_dies_and_recovers()
    {
        // The limit is hard as well: .NET raises a soft one to the hard one when it starts.
        await using var green = GreenRun.Start(["-w", "1"], descriptors: 400);
        var worker = (await green.Serving(1)).Workers[0];
        var pid = worker.Pid!.Value;
        var target = await green.Target();
        using var folder = new TemporaryFolder();
        await using var strace = ChildProgram.Start(
            "strace", ["-f", "-qq", "-e", "trace=accept,accept4", "-o", folder.File("trace"), "-p", $"{pid}"]);

        // strace sees nothing until it has attached to the thread that accepts.
        await Eventually.Get("strace sees accepts", () => target.Get("/pid"), _ => Accepts(folder) > 0, strace.Describe);

        var held = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => target.Ask("/slow?ms=600000")));
        await green.Process.Line("cannot accept: Too many open files");
        var exhausted = await green.StatusWhen("clients wait, since no descriptor is left for them", static status => status.Listeners[0].Queued > 50);

        // A rate can only be measured over time. That no answer arrives in that time is the other thing tested.
        var waiting = target.Get("/pid");
        var (accepts, cpu) = (Accepts(folder), exhausted.Workers[0].CpuSeconds);
        await Assert.ThrowsAsync<TimeoutException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(5)));
        Assert.InRange(Accepts(folder) - accepts, 0, (5 * 5) - 1);
        Assert.InRange((await green.Status()).Workers[0].CpuSeconds - cpu, 0, 4);

        // Most clients leave; the rest, and the waiting one, are served.
        foreach (var connection in held[..480])
        {
            connection.Dispose();
        }

        Assert.Equal($"{pid}", await waiting);
        await green.StatusWhen("nobody waits any more", static status => status.Listeners[0].Queued == 0);
        foreach (var connection in held[480..])
        {
            connection.Dispose();
        }

        await using var load = LoadClient.Start(target, clients: 8);
        await load.More(500);
        await load.Stop();
        load.AssertNothingLost();
        var after = await green.StatusWhen("every slot came back", static status => status.Workers[0].Connections == 0);
        Assert.Equal((pid, 0), (after.Workers[0].Pid!.Value, after.Workers[0].Restarts));
        await strace.DisposeAsync();
        await green.StopCleanly();
    }

    private static int Accepts(TemporaryFolder folder) =>
        File.Exists(folder.File("trace")) ? File.ReadLines(folder.File("trace")).Count(static line => line.Contains("accept", StringComparison.Ordinal)) : 0;
}
