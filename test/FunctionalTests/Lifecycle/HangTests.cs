using System.Text.Json;
using FunctionalTests.Harness;
using KestrelGreenTransport.Supervisor.Control;

namespace FunctionalTests.Lifecycle;

/// <summary>A hung worker is ended, and its stacks show why. A worker with only a slow request is not ended.</summary>
public sealed class HangTests
{
    [Fact]
    public async Task A_worker_that_starves_its_thread_pool_is_replaced_and_its_stacks_are_on_disk()
    {
        using var folder = new TemporaryFolder();
        var dumps = folder.File("dumps");
        await using var green = GreenRun.Start(["-w", "2", "--timeout", "3s", "--dump-on-stale", dumps]);
        await green.Serving(2);
        var target = await green.Target();
        using var asked = await target.Ask("/starve");

        // The replacement is serving before the old process is gone, and how that one ended is known only then.
        var status = await green.StatusWhen("the starved worker is replaced", static status =>
            status.State == SupervisorPhase.Running && status.Workers.Count == 2
            && status.Workers.Any(static worker => worker is { Restarts: 1, State: WorkerPhase.Serving, LastExit: not null }));
        var exit = Assert.Single(status.Workers, static worker => worker.Restarts == 1).LastExit!;
        Assert.Equal(("stale", "threadPoolStarvation", "SIGKILL"), (exit.Reason, exit.Verdict, exit.Signal));
        Assert.Equal(new VerdictsStatus(0, 1, 0, 0, 0), status.Verdicts);
        Assert.Contains(await target.Pid(), status.Workers.Select(static worker => worker.Pid!.Value));

        var stacks = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(dumps)), TestContext.Current.CancellationToken);
        Assert.Contains("thread-pool starvation", stacks, StringComparison.Ordinal);
        Assert.Contains("TestWorker!TestWorker.Misbehaviour", stacks, StringComparison.Ordinal);
        Assert.Matches(@"\d+ threads: \d+ \d+", stacks);
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_blocked_event_loop_is_told_from_a_starved_pool()
    {
        await using var green = GreenRun.Start(
            ["-w", "1", "--timeout", "2s"], environment: [("GREEN_BACKEND", "Epoll"), ("GREEN_SCHEDULING", "Inline")]);
        var before = await green.Serving(1);

        using var connection = await RawConnection.To(await green.Target());
        await connection.Write("POST /block-loop?ms=600000 HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n");
        var replaced = green.Replaced(before.Workers[0], before);
        while (!replaced.IsCompleted)
        {
            try
            {
                await connection.Write("x");
            }
            catch (IOException)
            {
                // Killed with its worker.
            }

            await Task.WhenAny(replaced, Task.Delay(50, TestContext.Current.CancellationToken));
        }

        Assert.Equal("blockedLoop", (await replaced).LastExit!.Verdict);
        await green.StopCleanly();
    }

    [Fact]
    public async Task What_a_worker_is_busy_with_is_seen_while_its_thread_pool_starves_and_unknown_when_it_is_stopped()
    {
        await using var green = GreenRun.Start(["-w", "1"]);
        var worker = (await green.Serving(1)).Workers[0];
        var target = await green.Target();
        using var slow = await target.Ask("/slow?ms=600000");
        await green.StatusWhen("the first is in flight", static status => status.Workers[0].RequestsInFlight == 1);
        using var starving = await target.Ask("/starve");

        // The last heartbeat may have been an interval of a second before the first request.
        await green.StatusWhen("its pool starves", static status => status.Workers[0] is { HeartbeatAgeSeconds: > 4 });

        await using var starved = await green.Command("status", "1", "--json");
        var oldest = JsonDocument.Parse(starved.Output).RootElement.GetProperty("oldestRequests")[0];
        Assert.Equal(("GET", "/slow"), (oldest.GetProperty("method").GetString(), oldest.GetProperty("path").GetString()));
        Assert.True(oldest.GetProperty("ageSeconds").GetDouble() > 2);

        await Kernel.Freeze(worker.Pid!.Value);
        await using var stopped = await green.Command("status", "1");
        Assert.Contains(stopped.OutputLines, static line => line.StartsWith("  unknown: it did not answer within a second", StringComparison.Ordinal));
        Kernel.Signal(worker.Pid.Value, Kernel.SIGCONT);
        await green.StopCleanly(Kernel.SIGINT);
    }

    [Fact]
    public async Task A_slow_request_is_named_and_nobody_is_ended_for_it()
    {
        await using var green = GreenRun.Start(["-w", "1", "--request-timeout", "500ms"]);
        var worker = (await green.Serving(1)).Workers[0];
        using var slow = await (await green.Target()).Ask("/slow?ms=600000");

        await green.Process.Line($@"worker 1 \(pid {worker.Pid}\): slow request: GET /slow has been in flight for");
        var after = await green.Status();
        Assert.Equal((worker.Pid, 1), (after.Workers[0].Pid, after.Verdicts.HungRequest));
        Assert.Equal($"{worker.Pid}", await (await green.Target()).Get("/pid"));
        await green.StopCleanly(Kernel.SIGQUIT);
    }

    [Fact]
    public async Task Where_somebody_chose_so_a_hung_request_ends_its_worker()
    {
        await using var green = GreenRun.Start(["-w", "1", "--request-timeout", "1s", "--request-timeout-action", "kill"]);
        var before = await green.Serving(1);
        using var hung = await (await green.Target()).Ask("/block?ms=600000");

        var exit = (await green.Replaced(before.Workers[0], before)).LastExit!;
        Assert.Equal(("requestTimeout", "hungRequest"), (exit.Reason, exit.Verdict));
        await green.Process.Line("hung request: GET /block has been in flight for");
        await green.StopCleanly();
    }

    [Fact]
    public async Task Green_dump_shows_what_a_worker_is_doing_and_the_worker_goes_on()
    {
        using var folder = new TemporaryFolder();
        await using var green = GreenRun.Start(["-w", "1", "--timeout", "1s"]);
        var worker = (await green.Serving(1)).Workers[0];
        using var blocked = await (await green.Target()).Ask("/block?ms=600000");
        await green.StatusWhen("the request is in flight", static status => status.Workers[0].RequestsInFlight == 1);

        // It is counted before it reaches its handler.
        var shown = new List<GreenCommand>();
        await Eventually.Get(
            "a dump shows the handler",
            async () =>
            {
                shown.Add(await green.Command("dump", "1"));
                return shown[^1].Output;
            },
            static stacks => stacks.Contains("Misbehaviour", StringComparison.Ordinal),
            green.Process.Describe);
        foreach (var dump in shown)
        {
            Assert.True(await dump.Exit() == 0, $"{dump.Describe()}\n{green.Process.Describe()}");
        }

        var kept = await green.Command("dump", "1", "--kind", "mini", "--to", folder.Path);
        Assert.True(await kept.Exit() == 0, $"{kept.Describe()}\n{green.Process.Describe()}");
        Assert.Equal([".dmp", ".txt"], Directory.GetFiles(folder.Path).Select(Path.GetExtension).Order());

        Assert.Equal($"{worker.Pid}", await (await green.Target()).Get("/pid"));
        Assert.Equal(1, await (await green.Command("dump", "7")).Exit());
        await green.StopCleanly(Kernel.SIGQUIT);
    }

    [Fact]
    public async Task A_worker_that_meets_its_heap_limit_ran_out_of_memory()
    {
        await using var green = GreenRun.Start(["-w", "1"], environment: [("DOTNET_GCHeapHardLimit", "0x8000000")]);
        var before = await green.Serving(1);
        using var asked = await (await green.Target()).Ask("/crash?how=memory");

        var exit = (await green.Replaced(before.Workers[0], before)).LastExit!;
        Assert.Equal(("outOfMemory", "SIGABRT"), (exit.Reason, exit.Signal));
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_kill_by_the_kernel_for_memory_is_told_from_any_other_kill()
    {
        using var group = MemoryGroup.TryCreate(megabytes: 400);
        await using var green = GreenRun.Start(["-w", "1"], wrapper: group?.Wrapper);
        var before = await green.Serving(1);
        var victim = before.Workers[0];

        // A SIGKILL from a user is not mistaken for the kernel's.
        Kernel.Signal(victim.Pid!.Value, Kernel.SIGKILL);
        var replacement = await green.Replaced(victim, before);
        Assert.Equal("crash", replacement.LastExit!.Reason);

        // If this user may not limit memory, the kernel has no reason to kill a process.
        if (group is not null)
        {
            before = await green.Serving(1);
            using var asked = await (await green.Target()).Ask("/crash?how=native-memory");
            var exit = (await green.Replaced(replacement, before)).LastExit!;
            Assert.Equal(("outOfMemory", "SIGKILL"), (exit.Reason, exit.Signal));
            await green.Process.Line("ran out of memory and was killed by SIGKILL");
        }

        await green.StopCleanly();
    }
}
