using FunctionalTests.Harness;

namespace FunctionalTests;

/// <summary>The bound on connections, over the whole stack: a full worker does not accept, and nobody is refused.</summary>
public sealed class PoolTests
{
    [Fact]
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
        await using var green = GreenRun.Start(["-w", "1"]);
        var worker = (await green.Serving(1)).Workers[0];
        var pid = worker.Pid!.Value;
        var target = await green.Target();
        await target.Get("/pid");

        // The limit is put at what is open now: the next accept finds no number free.
        var highest = Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Max(static path => int.Parse(Path.GetFileName(path), System.Globalization.CultureInfo.InvariantCulture));
        var holes = FreeNumbersBelow(pid, highest);
        await Prlimit(pid, highest + 1);
        using var folder = new TemporaryFolder();
        var held = new List<RawConnection>();
        for (var i = 0; i < holes; i++)
        {
            held.Add(await target.Ask("/slow?ms=60000"));
        }

        await Eventually.True("every number is taken", () => FreeNumbersBelow(pid, highest) == 0);
        await using (var strace = ChildProgram.Start(
            "strace", ["-f", "-qq", "-tt", "-e", "trace=accept,accept4", "-o", folder.File("trace"), "-p", $"{pid}"]))
        {
            var waiting = target.Get("/pid");
            await Eventually.True("accepts fail", () => FailedAccepts(folder) >= 3, strace.Describe);
            var from = FailedAccepts(folder);

            // The rate needs a span of time; the answer that does not come in it is the fact that is looked at.
            await Assert.ThrowsAsync<TimeoutException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(4)));
            var tries = FailedAccepts(folder) - from;
            Assert.InRange(tries, 1, (4 * 5) - 1);

            await Prlimit(pid, 4096);
            Assert.Equal($"{pid}", await waiting);
        }

        held.ForEach(static connection => connection.Dispose());
        var load = LoadClient.Start(target, clients: 8);
        await load.More(500);
        await load.Stop();
        Assert.Equal((0, 0), (load.Refused, load.Broken));
        Assert.Equal(pid, (await green.Status()).Workers[0].Pid);
        await green.StopCleanly();
    }

    private static int FailedAccepts(TemporaryFolder folder) =>
        File.Exists(folder.File("trace")) ? File.ReadAllLines(folder.File("trace")).Count(static line => line.Contains("EMFILE", StringComparison.Ordinal)) : 0;

    private static int FreeNumbersBelow(int pid, int highest) =>
        highest + 1 - Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Count();

    private static async Task Prlimit(int pid, int descriptors)
    {
        await using var prlimit = await ChildProgram.Run("prlimit", ["--pid", $"{pid}", $"--nofile={descriptors}:4096"]);
        Assert.Equal(0, await prlimit.Exit());
    }
}
