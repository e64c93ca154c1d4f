using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Hooks;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Loop;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Parts;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace KestrelGreenTransport.Supervisor.Tests.Messages;

/// <summary>What workers may say, to a supervisor's thread that runs: real processes that do nothing, and this test at their end of the lifelines.</summary>
public sealed class HostileMessageTests : IDisposable
{
    private const int MessageFailed = 291;
    private const int WorkFailed = 292;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("green-hostile-").FullName;
    private readonly Recorder _log = new();
    private readonly Launcher _launcher;
    private readonly SupervisorLoop _loop;
    private readonly RequestsInFlight _inFlight;
    private readonly SafeFileHandle _board;
    private readonly Stack<IDisposable> _owned = new();
    private readonly Thread _thread;
    private int? _exitCode;

    public HostileMessageTests()
    {
        var options = new GreenSupervisorOptions { Workers = 2, Timeout = TimeSpan.FromMinutes(30), BootTimeout = TimeSpan.FromMinutes(30) };
        var plan = new LaunchPlan
        {
            Options = options,
            App = new AppCommand("/bin/sleep", ["600"], "/bin/sleep"),
            Binds = [],
            Name = "hostile",
            Renew = static _ => (null, []),
        };
        var time = TimeProvider.System;
        var writer = Own(new OutputWriter(static note => note, Own(new Descriptor(LibcFiles.open("/dev/null", 1, 0))).Number, Own(new Descriptor(LibcFiles.open("/dev/null", 1, 0))).Number));
        var journal = new Journal(time);
        var generations = new Generations(new Generation(plan, []));
        var heartbeats = Own(HeartbeatDirectory.Create(Path.Combine(_folder, "beats"), plan.Name));
        _board = Own(heartbeats.CreateBoard());
        var listeners = Own(new ListenerSet());
        var stored = Own(StoredSockets.Of(static _ => null));
        var binder = new ListenerBinder(listeners, stored);
        var work = Own(new WorkThread(_log));
        _launcher = new Launcher(heartbeats);
        _loop = Own(new SupervisorLoop(
            new SupervisorState { Target = 2, Random = 1, Settings = GenerationPreparer.SettingsOf(plan), HasLead = true },
            _launcher,
            Own(new GenerationPreparer(generations, binder, null, _log)),
            new Examiner(_board, new OutOfMemoryWatch(static () => null), new HashSet<string>(), time),
            Own(new HookRunner(options, plan.Name, _log)),
            new NoticeReporter(_log, new SupervisorOutput(writer, LogFormat.Of(SupervisorLogFormat.Text), time), journal),
            _log,
            time));
        _loop.Parts.Add(new BindBroker(generations, listeners, binder, stored, null, work, _loop.PostAction, _log));
        _inFlight = new RequestsInFlight(_loop.PostAction, _loop.Tell, time);
        _loop.Parts.Add(_inFlight);
        _thread = new Thread(() => _exitCode = _loop.Run()) { IsBackground = true, Name = "the supervisor" };
        _thread.Start();
    }

    public void Dispose()
    {
        _loop.Post(new StopRequested(StopKind.Quick));
        _loop.Post(new StopRequested(StopKind.Quick));
        _thread.Join(Limit);
        while (_owned.TryPop(out var one))
        {
            one.Dispose();
        }

        _launcher.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Nothing_that_a_worker_says_ends_the_supervisor_or_fails_in_it()
    {
        await Serve(2);
        var honest = _launcher.Living[0];
        var random = new Random(20261201);
        for (var i = 0; i < 4000; i++)
        {
            foreach (var ask in _launcher.Living.Where(one => one != honest && random.Next(20) == 0))
            {
                // So that an answer is waited for, and taken apart.
                _inFlight.Ask(new ControlRequest { Command = "requests", Worker = ask.Index }, static _ => { });
            }

            var packet = Encoding.UTF8.GetBytes(Json(random));
            foreach (var hostile in _launcher.Living.Where(one => one != honest))
            {
                hostile.Boot();
                while (hostile.Send(packet) == Errno.EAGAIN)
                {
                    await Turn();
                }
            }

            if (i % 500 == 0)
            {
                Scribble(random);
                await Turn();
            }
        }

        await Turn();
        Assert.Null(_exitCode);
        Assert.DoesNotContain(_log.Ids, static id => id is MessageFailed or WorkFailed);
        Assert.True(_loop.State.Workers[honest.Index] is { Phase: WorkerPhase.Serving, Pid: { } pid } && pid == honest.Pid, _log.Text);

        // What was taken of it can be calculated with.
        foreach (var (_, stats) in _loop.Requests.Read())
        {
            _ = stats.Quantile(0.99);
        }
    }

    [Fact]
    public async Task A_failure_over_one_message_ends_that_workers_lifeline_alone()
    {
        _loop.Parts.Add(new Faulty());
        await Serve(2);
        var (honest, hostile) = (_launcher.Living[0], _launcher.Living[1]);

        Assert.Equal(0, hostile.Send("""{"type":"fault"}"""u8.ToArray()));
        await Until(() => _log.Ids.Contains(MessageFailed));

        Assert.Equal(Errno.EPIPE, hostile.Send("""{"type":"hello"}"""u8.ToArray()));
        Assert.Equal(0, honest.Send("""{"type":"hello"}"""u8.ToArray()));
        await Turn();
        Assert.Null(_exitCode);
        Assert.Equal(2, _loop.State.Workers.Values.Count(static worker => worker.Phase == WorkerPhase.Serving));
    }

    [Fact]
    public async Task A_failure_over_one_action_or_piece_of_work_is_logged_and_no_more()
    {
        await Serve(2);

        _loop.PostAction(static () => throw new InvalidOperationException("one action"));
        using (var work = new WorkThread(_log))
        {
            work.Do(static () => throw new InvalidOperationException("one piece of work"));
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            work.Do(done.SetResult);
            await done.Task.WaitAsync(Limit, TestContext.Current.CancellationToken);
        }

        await Turn();
        Assert.Equal(2, _log.Ids.Count(static id => id == WorkFailed));
        Assert.Null(_exitCode);
    }

    [Fact]
    public async Task A_flood_holds_up_neither_the_clock_nor_anybody_else()
    {
        await Serve(2);
        var hostile = _launcher.Living[1];
        using var stop = new CancellationTokenSource();
        var flood = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    _ = hostile.Send("""{"type":"hello"}"""u8.ToArray());
                }
            },
            TestContext.Current.CancellationToken);

        for (var i = 0; i < 20; i++)
        {
            await Turn();
        }

        var ticked = _loop.State.LastStepAt;
        await Until(() => _loop.State.LastStepAt > ticked);
        await stop.CancelAsync();
        await flood;
        Assert.Null(_exitCode);
    }

    [Fact]
    public async Task A_worker_gets_sixty_four_sockets_and_no_more()
    {
        await Serve(2);
        var asker = _launcher.Living[1];
        for (var i = 1; i <= BindBroker.MostOfAWorker + 1; i++)
        {
            Assert.Equal(0, asker.Send(Encoding.UTF8.GetBytes($$"""{"type":"bind","id":{{i}},"endpoint":"tcp://127.0.0.1:0"}""")));
            await Until(() => asker.Answers() >= 1);
        }

        Assert.Equal(BindBroker.MostOfAWorker, asker.Bound);
        Assert.Contains("a worker may ask for at most 64 sockets", asker.LastError, StringComparison.Ordinal);
        Assert.Single(_log.Ids, static id => id == 293);
    }

    private static string Json(Random random)
    {
        string[] types =
        [
            LifelineTypes.Hello, LifelineTypes.Ready, LifelineTypes.Beat, LifelineTypes.Bind, LifelineTypes.Warmed, LifelineTypes.Recorded, LifelineTypes.Stats, LifelineTypes.SlowRequest,
            LifelineTypes.InFlight, LifelineTypes.OutOfMemory, LifelineTypes.Leader, LifelineTypes.Drain, LifelineTypes.Bound, "", "new",
        ];

        // One that says that it cannot start is ended, and its place stays empty for a while.
        var type = random.Next(400) == 0 ? LifelineTypes.Failed : types[random.Next(types.Length)];
        string[] fields =
        [
            "contractVersion", "pid", "deadlineMs", "exitCode", "path", "state", "at", "index", "message", "inFlight", "id", "endpoint", "error", "errno", "requests",
            "failed", "durationNs", "buckets", "yes", "method", "ageMs", "unknown",
        ];
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{{\"type\":\"{type}\""));
        foreach (var field in fields.Where(_ => random.Next(3) > 0))
        {
            text.Append(CultureInfo.InvariantCulture, $",\"{field}\":{(random.Next(4) == 0 ? Any(random, 3) : Fitting(field, random))}");
        }

        return text.Append('}').ToString();
    }

    private static string Fitting(string field, Random random) => field switch
    {
        "path" or "message" or "error" or "method" => Text(random),
        "endpoint" => random.Next(6) switch
        {
            0 => "\"tcp://127.0.0.1:0\"",
            1 => $"\"unix:/tmp/{new string('x', 200)}\"",
            2 => "\"unix:/tmp/green\\u0000hostile\"",
            3 => "\"tcp://[::1]:99999\"",
            4 => "\"unix:/proc/nowhere/at/all\"",
            _ => Text(random),
        },
        "inFlight" => $"[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(4) == 0 ? "null" : $$"""{"method":{{Text(random)}},"path":{{Text(random)}},"ageMs":{{Number(random)}}}"""))}]",
        "buckets" => $"[{string.Join(',', Enumerable.Range(0, random.Next(2) == 0 ? RequestStats.None.Buckets.Length : 3).Select(_ => Number(random)))}]",
        "yes" => random.Next(2) == 0 ? "true" : "false",
        "id" => random.Next(2) == 0 ? $"{random.Next(1, 300)}" : Number(random),
        _ => Number(random),
    };

    private static string Number(Random random) => random.Next(9) switch
    {
        0 => $"{long.MaxValue}",
        1 => $"{long.MinValue}",
        2 => $"{int.MaxValue}",
        3 => $"{int.MinValue}",
        4 => "-1",
        5 => $"{1L << 46}",
        6 => $"{315_360_000_000}",
        7 => "0",
        _ => $"{random.Next(0, 300)}",
    };

    private static string Text(Random random) => random.Next(7) switch
    {
        0 => "\"\"",
        1 => $"\"{new string('x', 8 * 1024)}\"",
        2 => "\"\\u0000\\u001b[2J\\u202e\"",
        3 => "\"\\ud800\"",
        4 => "null",
        5 => "\"{0} {Index} %s\"",
        _ => "\"/report\"",
    };

    private static string Any(Random random, int depth) => random.Next(depth > 0 ? 8 : 5) switch
    {
        0 => Number(random),
        1 => Text(random),
        2 => "true",
        3 => "1e308",
        4 => "null",
        5 => $"[{Any(random, depth - 1)},{Any(random, depth - 1)}]",
        6 => $"{{\"type\":{Any(random, depth - 1)}}}",
        _ => new string('[', 70) + new string(']', 70),
    };

    // Both files are the workers' to write to.
    private void Scribble(Random random)
    {
        var bytes = new byte[1024];
        random.NextBytes(bytes);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_folder, "beats")))
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.Write(handle, bytes, 0);
        }
    }

    private T Own<T>(T one)
        where T : IDisposable
    {
        _owned.Push(one);
        return one;
    }

    private async Task Serve(int workers)
    {
        await Until(() =>
        {
            foreach (var worker in _launcher.Living)
            {
                worker.Boot();
            }

            return _loop.State.Workers.Values.Count(static worker => worker.Phase == WorkerPhase.Serving) == workers;
        });
    }

    // Everything that was posted before has been taken when this returns.
    private async Task Turn()
    {
        var turned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.PostAction(turned.SetResult);
        await turned.Task.WaitAsync(Limit, TestContext.Current.CancellationToken);
    }

    private async Task Until(Func<bool> isSo)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Limit, _log.Text);
            await Turn();
        }
    }

    private sealed class Faulty : ISupervisorPart
    {
        public void OnMessage(WorkerProcess worker, LifelineMessage message)
        {
            if (message.Type == "fault")
            {
                throw new InvalidOperationException("a fault of ours");
            }
        }
    }

    private sealed class Recorder : ILogger
    {
        private readonly ConcurrentQueue<(int Id, string Text)> _events = new();

        public IReadOnlyList<int> Ids => [.. _events.Select(static one => one.Id)];

        public string Text => string.Join('\n', _events.TakeLast(50).Select(static one => $"{one.Id} {one.Text}"));

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _events.Enqueue((eventId.Id, $"{formatter(state, exception)} {exception}"));
    }

    /// <summary>Processes that sleep, whose lifelines end in this test.</summary>
    private sealed class Launcher(HeartbeatDirectory heartbeats) : IWorkerLauncher, IDisposable
    {
        private readonly ConcurrentQueue<FakeWorker> _all = new();

        /// <summary>Oldest first.</summary>
        public IReadOnlyList<FakeWorker> Living => [.. _all.Where(static worker => worker.IsThere)];

        public void Launch(int index, long generation, Action<WorkerLauncher.LaunchOutcome> done)
        {
            var (ours, theirs) = Descriptor.SeqPacketPair();
            var spawned = Spawn.Start(new SpawnRequest
            {
                FileName = "/bin/sleep",
                Arguments = ["600"],
                Environment = new Dictionary<string, string>(),
                Descriptors = [],
            });
            var process = new WorkerProcess(index, generation, spawned.Process!, ours, heartbeats.CreateWorkerFile(index).File);
            _all.Enqueue(new FakeWorker(index, spawned.Process!.Pid, theirs));
            done(new WorkerLauncher.LaunchOutcome(process, null));
        }

        public void Forget(int index) => heartbeats.RemoveWorkerFile(index);

        public void Dispose()
        {
            foreach (var worker in _all)
            {
                worker.Dispose();
            }
        }
    }

    private sealed class FakeWorker(int index, int pid, Descriptor lifeline) : IDisposable
    {
        private bool _hasBooted;

        public int Index => index;

        public int Pid => pid;

        public int Bound { get; private set; }

        public string LastError { get; private set; } = "";

        public bool IsThere => ProcFs.StateOf(pid) is not (null or 'Z');

        public void Boot()
        {
            if (!_hasBooted)
            {
                _hasBooted = true;
                _ = Send("""{"type":"hello","contractVersion":1}"""u8.ToArray());
                _ = Send("""{"type":"ready"}"""u8.ToArray());
            }
        }

        public int Send(byte[] packet) => Packet.Send(lifeline.Number, packet, null).Error;

        /// <summary>How many answers to binds there are now.</summary>
        public int Answers()
        {
            var buffer = new byte[LifelineMessage.MaxSize];
            var count = 0;
            while (true)
            {
                var received = Packet.Receive(lifeline.Number, buffer, out var socket);
                using (socket)
                {
                    if (!received.Ok || received.Value == 0)
                    {
                        return count;
                    }

                    var message = JsonDocument.Parse(buffer.AsMemory(0, (int)received.Value)).RootElement;
                    if (message.GetProperty("type").GetString() == LifelineTypes.Bound)
                    {
                        count++;
                        Bound += socket is null ? 0 : 1;
                        LastError = message.TryGetProperty("error", out var error) ? error.GetString()! : LastError;
                    }
                }
            }
        }

        public void Dispose() => lifeline.Dispose();
    }
}
