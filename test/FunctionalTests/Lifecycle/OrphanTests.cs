using System.Net.Sockets;
using System.Text.Json;
using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>When a process dies that others depend on, nothing is left behind.</summary>
public sealed class OrphanTests
{
    [Fact]
    public async Task When_the_supervisor_is_killed_its_workers_finish_their_requests_and_leave()
    {
        await using var green = GreenRun.Start(["-w", "2"]);
        var status = await green.Serving(2);
        var target = await green.Target();
        using var slow = await target.Ask("/slow?ms=2500");
        await green.StatusWhen("the request is in flight", static status => status.Workers.Sum(static worker => worker.RequestsInFlight) == 1);

        Kernel.Signal(green.Process.Pid, Kernel.SIGKILL);
        Assert.NotEmpty(await slow.Receive());
        await Eventually.True("the workers left", () => status.Workers.All(static worker => !Kernel.IsAlive(worker.Pid!.Value)), green.Process.Describe);
        Assert.Empty(green.Process.Living);

        await AssertNobodyListens(target);
    }

    [Fact]
    public async Task A_grandchild_inherits_neither_listener_nor_lifeline_and_does_not_hold_up_the_replacement()
    {
        await using var green = GreenRun.Start(["-w", "1"]);
        var before = await green.Serving(1);
        var victim = before.Workers[0];
        var target = await green.Target();
        using var grandchild = JsonDocument.Parse(await target.Get("/spawn-grandchild"));
        var pid = grandchild.RootElement.GetProperty("pid").GetInt32();

        // A child is meant to inherit standard input and output; its output still goes through the worker's pipe.
        var inherited = Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd")
            .Where(static path => Path.GetFileName(path) is not ("0" or "1" or "2"))
            .Select(static path => new FileInfo(path).LinkTarget);
        Assert.Empty(inherited);

        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        await green.Replaced(victim, before);
        Assert.True(Kernel.IsAlive(pid));

        Kernel.Signal(green.Process.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await green.Exit());
        await AssertNobodyListens(target);
        Kernel.Signal(pid, Kernel.SIGKILL);
    }

    private static async Task AssertNobodyListens(Target target)
    {
        var refused = await Assert.ThrowsAsync<SocketException>(() => RawConnection.To(target));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }
}
