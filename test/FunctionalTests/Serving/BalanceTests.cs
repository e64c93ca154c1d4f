using System.Globalization;
using FunctionalTests.Harness;

namespace FunctionalTests.Serving;

/// <summary>Every worker gets its share, and no client waits for a worker that cannot respond.</summary>
public sealed class BalanceTests(BalanceTests.TwoWorkers shared) : IClassFixture<BalanceTests.TwoWorkers>
{
    [Fact]
    public async Task Connections_that_stay_are_spread_evenly()
    {
        const int Workers = 4;
        const int Connections = 200;
        await using var green = GreenRun.Start(["-w", $"{Workers}"]);
        await green.Serving(Workers);
        var target = await green.Target();
        var open = new List<RawConnection>();
        for (var i = 0; i < Connections; i++)
        {
            open.Add(await target.Ask("/pid"));
            await open[^1].Receive();
        }

        var status = await green.StatusWhen("all are accepted", static status => status.Workers.Sum(static worker => worker.Connections) == Connections);
        var held = status.Workers.Select(static worker => (double)worker.Connections!).Order().ToArray();

        // An even share is 50. Without balancing one worker holds nearly all.
        Assert.True(held[^1] <= 1.5 * held[0], string.Join(", ", held.Select(static one => one.ToString(CultureInfo.InvariantCulture))));
        open.ForEach(static connection => connection.Dispose());
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_worker_that_is_frozen_strands_nobody()
    {
        var green = await shared.Take();
        var status = await green.Status();
        var target = await green.Target();
        var (frozen, other) = (status.Workers[0].Pid!.Value, status.Workers[1].Pid!.Value);
        await Kernel.Freeze(frozen);
        try
        {
            // One after another, without other clients to wake the running worker: the kernel would also call the frozen one.
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(other, await target.Pid());
            }
        }
        finally
        {
            Kernel.Signal(frozen, Kernel.SIGCONT);
        }

        await shared.GiveBack();
    }

    [Fact]
    public async Task A_pool_full_of_idle_connections_locks_nobody_out()
    {
        var green = await shared.Take();
        var target = await green.Target();
        var idle = new List<RawConnection>();
        for (var i = 0; i < 20; i++)
        {
            idle.Add(await RawConnection.To(target));
            await idle[^1].Get("/pid");
        }

        await green.StatusWhen("both pools are full", static status => status.Workers.Sum(static worker => worker.Connections) == 20);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => target.Pid()));
        idle.ForEach(static connection => connection.Dispose());
        await shared.GiveBack();
    }

    /// <summary>Two workers with small pools, which may stand still for as long as a test takes.</summary>
    public sealed class TwoWorkers() : SharedRun(workers: 2)
    {
        private protected override GreenRun Start() => GreenRun.Start(["-w", "2", "--timeout", "1h", "--worker-connections", "10"]);
    }
}
