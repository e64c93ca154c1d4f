using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Dumps;
using KestrelGreenTransport.Supervisor.Hooks;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Telemetry;
using KestrelGreenTransport.Supervisor.Workers;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Loop;

/// <summary>
/// The supervisor's one thread: it waits for facts (exits, messages, beats, requests, time), hands each to the arbiter
/// and does what the arbiter says. It never waits for a worker, a disk, a log or the thread pool.
/// </summary>
internal sealed class SupervisorLoop(
    SupervisorState initial, IWorkerLauncher launcher, GenerationPreparer preparer, Examiner examiner, HookRunner hooks, NoticeReporter reporter, ILogger logger, TimeProvider time)
    : IDisposable
{
    // How many ticks lie between two checks for an app that listens by itself.
    private const int ProbeEveryTicks = 5;

    // So that a flood from one worker holds up neither the others nor the clock.
    private const int PacketsATurn = 64;

    // More than a socket holds, and an end to it where a child of the worker keeps on writing.
    private const int PacketsAtTheEnd = 1024;

    private readonly WakeEvent _wake = new();
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Queue<SupervisorEvent> _events = new();
    private readonly Dictionary<int, WorkerProcess> _processes = [];
    private readonly RecordedRoutes _recorded = new();
    private readonly Dictionary<long, Action<EndOperation>> _operations = [];
    private volatile SupervisorState _state = initial;
    private long _lastOperation;
    private int? _exitCode;
    private long _nextTick;
    private int _ticks;

    /// <summary>Dumps hung workers before they are killed; null: nothing does.</summary>
    public HungDumps? Dumps { private get; init; }

    /// <summary>What lives on this thread beside the arbiter; filled before <see cref="Run"/>.</summary>
    public List<ISupervisorPart> Parts { get; } = [];

    /// <summary>What the arbiter knows now; readable from any thread.</summary>
    public SupervisorState State => _state;

    /// <summary>What the workers say they answered; readable from any thread.</summary>
    public RequestTotals Requests { get; } = new();

    /// <summary>Brings in an event from another thread.</summary>
    public void Post(SupervisorEvent happened) => Post(happened, static () => { });

    /// <summary>Brings in an event from another thread and calls back once the arbiter has taken it.</summary>
    public void Post(SupervisorEvent happened, Action taken) => PostAction(() =>
    {
        if (!Parts.Exists(part => part.ShouldDefer(happened)))
        {
            Apply(happened);
        }

        taken();
    });

    /// <summary>Brings in a request from another thread, as an operation.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="named">Gets the operation's id; on this thread.</param>
    /// <param name="ended">Called once it is over; on this thread.</param>
    public void Post(SupervisorEvent request, Action<long> named, Action<EndOperation> ended) => PostAction(() =>
    {
        var id = ++_lastOperation;
        _operations.Add(id, ended);
        named(id);
        Apply(new OperationRequested(id, request));
    });

    /// <summary>Has the arbiter take an event, after those that it has not taken yet. On this thread.</summary>
    public void Apply(SupervisorEvent happened)
    {
        _events.Enqueue(happened);
        ApplyQueued();
    }

    /// <summary>Has the arbiter take an event before any that another thread brings in later. On this thread.</summary>
    public void Queue(SupervisorEvent happened) => _events.Enqueue(happened);

    /// <summary>Runs an action on this thread, soon.</summary>
    public void PostAction(Action action)
    {
        _posted.Enqueue(action);
        _wake.Set();
    }

    /// <summary>Sends a worker a message. On this thread.</summary>
    /// <returns>False when there is no such process, or it takes no message now.</returns>
    public bool Tell(int index, LifelineMessage message) => _processes.TryGetValue(index, out var worker) && worker.Send(message).Ok;

    /// <summary>Tells each worker to reopen its access log. On this thread.</summary>
    public void ReopenAccessLogs() => TellAll(new LifelineMessage { Type = LifelineTypes.Reopen });

    /// <summary>Runs on the calling thread until the arbiter says leave; returns the exit code.</summary>
    public int Run()
    {
        Apply(new Started());
        while (_exitCode is null)
        {
            Wait();
            while (_posted.TryDequeue(out var action))
            {
                Do(action);
            }

            foreach (var worker in _processes.Values.ToArray())
            {
                ReadLifeline(worker, PacketsATurn);
                ReapIfGone(worker);
            }

            if (time.GetTimestamp() >= _nextTick)
            {
                OnTick();
            }
        }

        return _exitCode.Value;
    }

    [SuppressMessage("Design", "CA1031", Justification = "The failure of one action is logged; every worker still needs its supervisor.")]
    private void Do(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            SupervisorLog.WorkFailed(logger, e);
        }
    }

    public void Dispose()
    {
        foreach (var process in _processes.Values)
        {
            process.Dispose();
        }

        _wake.Dispose();
    }

    private unsafe void Wait()
    {
        var polled = new Libc.PollFd[1 + (_processes.Count * 2)];
        polled[0] = new Libc.PollFd { fd = _wake.Number, events = Libc.POLLIN };
        var next = 1;
        foreach (var worker in _processes.Values)
        {
            polled[next++] = new Libc.PollFd { fd = worker.Process.Number, events = Libc.POLLIN };
            polled[next++] = new Libc.PollFd { fd = worker.LifelineNumber, events = Libc.POLLIN };
        }

        var left = _nextTick - time.GetTimestamp();
        var milliseconds = (int)Math.Clamp(Math.Ceiling(left / 1e6), 0, ArbiterSettings.TickInterval.TotalMilliseconds);
        fixed (Libc.PollFd* first = polled)
        {
            _ = Libc.poll(first, (nuint)polled.Length, milliseconds);
        }

        _wake.Reset();
    }

    private void OnTick()
    {
        // Read before the beats: if this thread is delayed before it judges them, that does not count as a worker's silence.
        var now = time.GetTimestamp();
        _nextTick = now + (ArbiterSettings.TickInterval.Ticks * 100);
        examiner.BeginTick();
        foreach (var worker in _processes.Values)
        {
            ReadHeartbeat(worker);
            if (examiner.Examine(worker, _state) is { } examined)
            {
                _events.Enqueue(examined);
            }

            if (_ticks % ProbeEveryTicks == 0 && !worker.SaidHello && !_state.EverServed
                && examiner.OwnListenerOf(worker) is { } endpoint)
            {
                _events.Enqueue(new WorkerListensByItself(worker.Index, endpoint));
            }
        }

        _ticks++;
        _events.Enqueue(new Tick());
        ApplyQueued(now);
        foreach (var part in Parts)
        {
            part.OnTick(_state);
        }
    }

    private void ReadHeartbeat(WorkerProcess worker)
    {
        var reading = HeartbeatFileReader.Read(worker.HeartbeatFile);
        if (worker.FileHealth.Look(reading))
        {
            SupervisorLog.HeartbeatFile(logger, worker.Index, worker.Process.Pid, reading.Outcome);
        }

        if (reading.HasBeat && reading.Beat is var beat && beat.Pid == worker.Process.Pid)
        {
            if (beat.Sequence != worker.LastSequence)
            {
                worker.LastSequence = beat.Sequence;
                OnBeat(worker, beat.MonotonicNanoseconds, beat.State);
            }
        }
    }

    private void OnBeat(WorkerProcess worker, long at, WorkerState state)
    {
        foreach (var part in Parts)
        {
            part.OnBeat(worker, state);
        }

        _events.Enqueue(new WorkerBeat(worker.Index, at, state));
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever a worker says, it is that worker's lifeline that ends by it, and not the supervisor.")]
    private void ReadLifeline(WorkerProcess worker, int most)
    {
        for (var i = 0; i < most && worker.TryReceive(out var message, out var problem); i++)
        {
            if (message is null)
            {
                if (!worker.IsKnownToBreakTheContract)
                {
                    worker.IsKnownToBreakTheContract = true;
                    SupervisorLog.PacketIgnored(logger, worker.Index, worker.Process.Pid, problem!);
                }

                continue;
            }

            try
            {
                OnMessage(worker, message);
            }
            catch (Exception e)
            {
                SupervisorLog.MessageFailed(logger, worker.Index, worker.Process.Pid, e);
                worker.HangUp();
            }
        }
    }

    private void OnMessage(WorkerProcess worker, LifelineMessage message)
    {
        foreach (var part in Parts)
        {
            part.OnMessage(worker, message);
        }

        switch (message.Type)
        {
            case LifelineTypes.Hello:
                worker.SaidHello = true;
                Apply(new WorkerSaidHello(worker.Index));
                break;
            case LifelineTypes.Ready:
                worker.SaidReady = true;
                Apply(new WorkerReady(worker.Index));
                break;
            case LifelineTypes.Stats when message.ToStats() is { } stats:
                Requests.Take(worker.Index, worker.Process.Pid, stats);
                break;
            case LifelineTypes.Recorded when message.WarmUp is { } routes:
                _recorded.Take(routes);
                break;
            case LifelineTypes.Warmed:
                Apply(new WorkerWarmed(worker.Index, message.Message, message.TimedOut == true));
                break;
            case LifelineTypes.Beat when message is { At: { } at, State: { } state }:
                OnBeat(worker, at, (WorkerState)state);
                break;
            case LifelineTypes.SlowRequest:
                Apply(new WorkerRequestOverdue(
                    worker.Index, new SlowRequest(message.Method ?? "?", message.Path ?? "?", TimeSpan.FromMilliseconds(message.AgeMs ?? 0))));
                break;
            case LifelineTypes.Leader when message.Yes == false:
                Apply(new WorkerResigned(worker.Index));
                break;
            case LifelineTypes.OutOfMemory:
                Apply(new WorkerSaidOutOfMemory(worker.Index));
                break;
            case LifelineTypes.Failed:
                Apply(new WorkerFailedToStart(
                    worker.Index, message.ExitCode ?? ExitCodes.AppNotStartable, message.Message ?? "it gave no reason"));
                break;
        }
    }

    private void ReapIfGone(WorkerProcess worker)
    {
        if (worker.Process.Reap() is not { } status)
        {
            return;
        }

        // What it wrote between the last look and its end may say why it ended.
        ReadLifeline(worker, PacketsAtTheEnd);
        _processes.Remove(worker.Index);
        launcher.Forget(worker.Index);
        foreach (var part in Parts)
        {
            part.OnExited(worker);
        }

        worker.Dispose();
        Apply(new WorkerExited(worker.Index, status, examiner.WasKilledForMemory(status)));
    }

    private void ApplyQueued(long? at = null)
    {
        while (_events.TryDequeue(out var happened))
        {
            var (state, effects) = Arbiter.Step(_state, happened, Math.Max(at ?? time.GetTimestamp(), _state.LastStepAt));
            _state = state;
            Perform(effects);
        }

        foreach (var part in Parts)
        {
            part.OnState(_state);
        }
    }

    private void Perform(ImmutableArray<Effect> effects)
    {
        // Clients may be waiting for these, and for nothing else that a step asks for.
        foreach (var effect in effects)
        {
            if (effect is OpenWorker open)
            {
                Send(open.Index, new LifelineMessage { Type = LifelineTypes.Open });
            }
        }

        foreach (var effect in effects)
        {
            hooks.Tell(effect);
            switch (effect)
            {
                case SpawnWorker spawn:
                    launcher.Launch(spawn.Index, spawn.Generation, outcome => PostAction(() => OnLaunched(spawn.Index, outcome)));
                    break;
                case Prepare prepare:
                    preparer.Begin(
                        prepare.Generation, _state.Generation, _processes.ToDictionary(static pair => pair.Key, static pair => pair.Value.Process.Pid), Post);
                    break;
                case CancelPreparation:
                    preparer.Cancel();
                    break;
                case WarmWorker warm:
                    var order = new LifelineMessage
                    {
                        Type = LifelineTypes.Warm,
                        WarmUp = [.. warm.Plan.Requests],
                        TimeMs = (long)warm.Plan.Time.TotalMilliseconds,
                    };
                    Send(warm.Index, warm.Plan.IsRecorded ? _recorded.AddTo(order) : order);
                    break;
                case TellSiblings sibling:
                    TellAll(new LifelineMessage { Type = LifelineTypes.SiblingDied, Index = sibling.Index });
                    break;
                case DrainWorker drain:
                    Drain(drain);
                    break;
                case AbortWorker abort:
                    Abort(abort);
                    break;
                case AppointLeader appoint when _processes.TryGetValue(appoint.Index, out var appointed):
                    Appoint(appointed, appoint.IsLeader);
                    break;
                case KillWorker kill when _processes.TryGetValue(kill.Index, out var worker):
                    _ = worker.Process.Signal(Signals.SIGKILL);
                    break;
                case Report report:
                    SupervisorActivities.Tell(report.Notice);
                    reporter.Report(report.Notice);
                    break;
                case BeginUpgrade:
                    foreach (var part in Parts)
                    {
                        part.OnUpgradeRequested();
                    }

                    break;
                case EndOperation end when _operations.Remove(end.Id, out var ended):
                    ended(end);
                    break;
                case Leave leave:
                    _exitCode = leave.ExitCode;
                    break;
            }
        }
    }

    private void OnLaunched(int index, WorkerLauncher.LaunchOutcome outcome)
    {
        if (outcome.Process is { } process)
        {
            _processes.Add(index, process);
            Apply(new WorkerSpawned(index, process.Process.Pid));
        }
        else
        {
            Apply(new WorkerSpawnFailed(index, outcome.Error ?? "it gave no reason"));
        }
    }

    private void TellAll(LifelineMessage message)
    {
        foreach (var worker in _processes.Values)
        {
            _ = worker.Send(message);
        }
    }

    private void Appoint(WorkerProcess worker, bool isLeader)
    {
        if (isLeader)
        {
            foreach (var part in Parts)
            {
                part.OnAppointing(worker);
            }
        }

        // If the message is lost the worker does not lead, or leads until it exits; no other worker is told in the meantime.
        _ = worker.Send(new LifelineMessage { Type = LifelineTypes.Leader, Yes = isLeader });
    }

    // A worker whose lifeline is full misses a message: open is sent again when it beats, and the others may be lost.
    private void Send(int index, LifelineMessage message) => Tell(index, message);

    private void Drain(DrainWorker drain)
    {
        if (_processes.TryGetValue(drain.Index, out var worker))
        {
            _ = worker.Send(new LifelineMessage { Type = LifelineTypes.Drain, DeadlineMs = (long)drain.Deadline.TotalMilliseconds });
            _ = worker.Process.Signal(Signals.SIGTERM);
        }
    }

    private void Abort(AbortWorker abort)
    {
        if (!_processes.TryGetValue(abort.Index, out var worker))
        {
            return;
        }

        if (ProcFs.IsStopped(worker.Process.Pid))
        {
            // A stopped process runs no signal handler and answers no request, so there are no stacks.
            _events.Enqueue(new WorkerAbortFinished(abort.Index));
        }
        else if (Dumps is { } dumps)
        {
            dumps.OfHung(abort, worker.Process.Pid, () => Post(new WorkerAbortFinished(abort.Index)));
        }
        else
        {
            // The runtime writes the dump that its own variables ask for, if they are set.
            _ = worker.Process.Signal(Signals.SIGABRT);
        }
    }
}
