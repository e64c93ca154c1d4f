using System.Globalization;
using System.Text.RegularExpressions;
using FunctionalTests.Harness;

namespace FunctionalTests.Manual;

/// <summary>The programs of docs/worker-contract.md and its sample, unchanged except for the port and the patience.</summary>
public sealed class WorkerContractPageTests : IDisposable
{
    private static readonly KeyValuePair<string, string?>[] PoolOfOne = [new("GREEN_WORKER_CONNECTIONS", "1")];

    private readonly TemporaryFolder _home = new();
    private readonly int _port = new FreePort().Release();

    private Target Target => Target.Loopback(_port);

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_process_with_nothing_but_a_heartbeat_binds_by_itself_and_is_ended_when_it_hangs()
    {
        await using var script = ChildProgram.Start("bash", [Program("beat.sh"), "dotnet", Repo.TestWorker]);
        var pid = await Eventually.Get("an answer", Target.Pid, static pid => pid > 0, script.Describe);

        Kernel.Signal(pid, Kernel.SIGSTOP);
        await script.Line("^no heartbeat$");
        Assert.Equal(0, await script.Exit());
        Assert.False(Kernel.IsAlive(pid));
    }

    [Fact]
    public async Task A_shell_script_replaces_workers_that_die_or_hang_on_a_socket_that_stays_open()
    {
        await using var script = ChildProgram.Start(
            "python3", [Program("bind.py"), "bash", Program("supervise.sh"), "dotnet", Repo.TestWorker], PoolOfOne);
        var first = await TwoWorkers(script);

        Kernel.Signal(first[0], Kernel.SIGKILL);
        var second = await TwoWorkers(script);
        Assert.DoesNotContain(first[0], second);

        Kernel.Signal(second[0], Kernel.SIGSTOP);
        await script.Line("^worker [12] hangs$");
        var third = await TwoWorkers(script);
        Assert.DoesNotContain(second[0], third);

        Kernel.Signal(script.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await script.Exit());
        Assert.All(third, static pid => Assert.False(Kernel.IsAlive(pid)));
    }

    [Fact]
    public async Task A_supervisor_in_python_hears_its_workers_and_drains_them()
    {
        await using var script = ChildProgram.Start("python3", [Program("supervise.py"), "dotnet", Repo.TestWorker], PoolOfOne);
        await script.Lines("^worker [12] says ready", 2);
        Assert.Equal(
            ["worker 1 says hello ", "worker 1 says ready ", "worker 2 says hello ", "worker 2 says ready "],
            script.OutputLines.Where(static line => line.StartsWith("worker", StringComparison.Ordinal)));
        await TwoWorkers(script);

        Kernel.Signal(script.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await script.Exit());
        Assert.Equal(["worker 1 exited with 0", "worker 2 exited with 0"], script.OutputLines.TakeLast(2));
    }

    [Fact]
    public async Task When_the_supervisor_in_python_is_killed_its_workers_leave()
    {
        await using var script = ChildProgram.Start("python3", [Program("supervise.py"), "dotnet", Repo.TestWorker], PoolOfOne);
        await script.Lines("^worker [12] says ready", 2);
        Kernel.Signal(script.Pid, Kernel.SIGKILL);
        await Eventually.True("nobody is left", () => script.IsGone, script.Describe);
    }

    [Fact]
    public async Task The_samples_script_replaces_its_workers_without_losing_a_request()
    {
        await using var script = ChildProgram.Start(
            "bash",
            [Repo.Path("samples/WorkerContract/two-workers.sh")],
            [new("PORT", $"{_port}"), new("HELLO_DLL", Repo.Hello), new("RUNTIME_DIRECTORY", Directory.CreateDirectory(_home.File("run")).FullName)]);
        await script.Lines(@"^worker [12] \(pid \d+\) is ready$", 2);
        await using var kept = LoadClient.Start(Target, clients: 3, path: "/", keepAlive: true);
        await using var each = LoadClient.Start(Target, clients: 3, path: "/");
        await kept.More(100);

        Kernel.Signal(script.Pid, Kernel.SIGHUP);
        await script.Lines("^worker [12] has exited$", 2);
        await kept.More(100);
        foreach (var load in new[] { kept, each })
        {
            await load.Stop();
            load.AssertNothingLost();
        }

        var third = await script.Line(@"^worker 3 \(pid \d+\) is ready$");
        Kernel.Signal(int.Parse(third.Split(' ', ')')[3], CultureInfo.InvariantCulture), Kernel.SIGKILL);
        await script.Line("^worker 3 is gone$");
        await script.Lines(@"^worker 1 \(pid \d+\) is ready$", 2);
        Kernel.Signal(script.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await script.Exit());
        Assert.Empty(script.Living.Select(Kernel.CommandLine));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_home.File("run")));
    }

    /// <summary>With pools of one, the second of two connections is the other worker's, once that is running.</summary>
    private async Task<int[]> TwoWorkers(ChildProgram script)
    {
        var pids = await Eventually.Get(
            "two workers answer",
            async () =>
            {
                using var first = await RawConnection.To(Target);
                using var second = await RawConnection.To(Target);
                return new[] { await first.Get("/pid"), await second.Get("/pid") };
            },
            static pids => pids[0] != pids[1],
            script.Describe);
        return [.. pids.Select(static pid => int.Parse(pid, CultureInfo.InvariantCulture))];
    }

    /// <summary>Cuts a program out of the page; finds it by its first comment.</summary>
    private string Program(string name)
    {
        var page = File.ReadAllText(Repo.Path("docs/worker-contract.md"));
        var code = Regex.Matches(page, "```(?:bash|python)\n(.*?)```", RegexOptions.Singleline)
            .Select(static match => match.Groups[1].Value)
            .Single(code => code.Contains($"# {name} COMMAND...", StringComparison.Ordinal));
        Assert.True(code.Contains("8080", StringComparison.Ordinal));
        var path = _home.File(name);
        File.WriteAllText(
            path,
            code.Replace("8080", _port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("-mmin +0.5", "-mmin +0.25", StringComparison.Ordinal));
        return path;
    }
}
