using System.Collections.Concurrent;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Hooks;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Hooks;

public sealed class HookRunnerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("green-hooks-").FullName;
    private readonly GreenSupervisorOptions _options = new();
    private readonly Lines _log = new();

    private string Out => Path.Combine(_folder, "out");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_command_gets_the_facts_in_its_environment_and_none_of_our_descriptors()
    {
        using var ours = File.Create(Path.Combine(_folder, "ours"));
        _options.Hook.Add($"worker-exit=echo $GREEN_HOOK_EVENT $GREEN_NAME $GREEN_HOOK_WORKER $GREEN_HOOK_PID $GREEN_HOOK_REASON $GREEN_HOOK_VERDICT $GREEN_HOOK_SIGNAL > {Out}; ls -l /proc/self/fd >> {Out}");
        var exit = new LastExit(ExitReason.Stale, ExitStatus.Killed(9), 0, Verdict.ThreadPoolStarvation) { Index = 2, Pid = 4121 };
        Run(runner =>
        {
            runner.Tell(new Report(new WorkerLeftNotice(2, 4121, exit)));
            runner.Tell(new Report(new ScalingNotice(1, 2)));
        });

        var lines = File.ReadAllLines(Out);
        Assert.Equal("worker-exit shop 2 4121 stale threadPoolStarvation SIGKILL", lines[0]);
        Assert.All(lines.Skip(1), line => Assert.DoesNotContain(Path.Combine(_folder, "ours"), line, StringComparison.Ordinal));
        Assert.Empty(_log.Texts);
    }

    [Fact]
    public void Handlers_are_told_in_order_and_one_that_throws_is_reported()
    {
        var told = new ConcurrentQueue<string>();
        _options.OnScale += happened => told.Enqueue($"{happened.From} to {happened.To}");
        _options.OnScale += _ => throw new InvalidOperationException("as asked");
        _options.BeforeSpawn += happened => told.Enqueue($"spawn {happened.Worker}");
        Run(runner =>
        {
            runner.Tell(new Report(new ScalingNotice(1, 3)));
            runner.Tell(new SpawnWorker(2, 1));
            runner.Tell(new KillWorker(2));
        });

        Assert.Equal(["1 to 3", "spawn 2"], told);
        Assert.Contains("OnScale failed: System.InvalidOperationException: as asked", Assert.Single(_log.Texts), StringComparison.Ordinal);
    }

    [Fact]
    public void What_takes_too_long_is_killed_or_left_behind_and_the_next_one_is_told()
    {
        using var never = new ManualResetEventSlim();
        _options.Hook.Add("scale=sleep 600");
        _options.Hook.Add($"scale=echo next > {Out}");
        _options.OnScale += _ => never.Wait();
        Run(runner => runner.Tell(new Report(new ScalingNotice(1, 2))), TimeSpan.FromSeconds(3));

        Assert.Equal("next\n", File.ReadAllText(Out));
        Assert.Equal(2, _log.Texts.Count);
        Assert.Contains("sleep 600 failed: it took longer than 3 s and was killed", _log.Texts[0], StringComparison.Ordinal);
        Assert.Contains("it has not returned within 3 s", _log.Texts[1], StringComparison.Ordinal);
        never.Set();
    }

    [Fact]
    public void A_command_that_fails_is_reported()
    {
        _options.Hook.Add("exit=exit 3");
        Run(runner => runner.Tell(new GreenHookEvent { Hook = GreenHook.Exit, ExitCode = 0 }));
        Assert.Equal("hook exit=exit 3 failed: it exited with code 3", Assert.Single(_log.Texts));
    }

    [Theory]
    [InlineData("worker-exit=mail -s 'a, b; c' root", GreenHook.WorkerExit, "mail -s 'a, b; c' root")]
    [InlineData("before-spawn = true", GreenHook.BeforeSpawn, "true")]
    [InlineData("worker-exit=", null, null)]
    [InlineData("worker_exit=true", null, null)]
    [InlineData("true", null, null)]
    public void A_hook_is_a_name_and_a_command(string text, GreenHook? hook, string? command) =>
        Assert.Equal((hook, command), HookNames.Parse(text) is { } parsed ? (parsed.Hook, parsed.Command) : (null, null));

    private void Run(Action<HookRunner> tell, TimeSpan? limit = null)
    {
        using var runner = new HookRunner(_options, "shop", _log, limit ?? TimeSpan.FromSeconds(30));
        tell(runner);
    }

    private sealed class Lines : ILogger
    {
        private readonly ConcurrentQueue<string> _texts = new();

        public IReadOnlyList<string> Texts => [.. _texts];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _texts.Enqueue(formatter(state, exception));
    }
}
