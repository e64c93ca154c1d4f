using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

/// <summary>Plays the processes and the kernel around the arbiter, move by move, with a <see cref="Referee"/> at its side.</summary>
internal sealed class World
{
    public static readonly ArbiterSettings Settings = new()
    {
        Timeout = TimeSpan.FromSeconds(4),
        BootTimeout = TimeSpan.FromSeconds(3),
        GracefulTimeout = TimeSpan.FromSeconds(1),
    };

    private static readonly long Second = Nanoseconds.Of(TimeSpan.FromSeconds(1));
    private static readonly long FineTick = Nanoseconds.Of(ArbiterSettings.TickInterval);
    private static readonly long CoarseTick = 5 * FineTick;

    private readonly List<string> _log = [];
    private SupervisorState _state;
    private long _now = 1000 * Second;
    private int _pids = 1000;

    public World(int workers, int seed)
    {
        _state = new SupervisorState { Settings = Settings, Target = workers, Random = (uint)seed };
        Happens(new Started());
    }

    public Referee Referee { get; } = new(Settings);

    public string Log => string.Join('\n', _log);

    private SortedDictionary<int, SimulatedProcess>.ValueCollection Alive => Referee.Processes.Values;

    public void Make(Move move)
    {
        _log.Add($"-- {move.Kind} {move.A} {move.B}");
        var process = Alive.Count > 0 ? Alive.ElementAt(move.A % Alive.Count) : null;
        switch (move.Kind)
        {
            case MoveKind.TimePasses:
                TimePasses(ticks: 1 + (move.A % 20), FineTick);
                break;
            case MoveKind.SupervisorSleeps:
                _now += move.A * Second / 4;
                ThenComes(tickFirst: move.B % 2 == 0);
                break;
            case MoveKind.SpawnSucceeds when Referee.Awaited.Count > 0:
                Spawn(Referee.Awaited.ElementAt(move.A % Referee.Awaited.Count));
                break;
            case MoveKind.SpawnFails when Referee.Awaited.Count > 0:
                var index = Referee.Awaited.ElementAt(move.A % Referee.Awaited.Count);
                Referee.Awaited.Remove(index);
                Happens(new WorkerSpawnFailed(index, "EAGAIN"));
                break;
            case MoveKind.Scale:
                Scale(1 + (move.A % 5), new ScaleRequested(1 + (move.A % 5)));
                break;
            case MoveKind.ScaleBy:
                var delta = move.A % 2 == 0 ? 1 : -1;
                Scale(Math.Max(1, _state.Target + delta), new ScaleByRequested(delta));
                break;
            case MoveKind.Stop:
                var kind = move.A % 2 == 0 ? StopKind.Graceful : StopKind.Quick;
                Referee.StopAsked(kind);
                Happens(new StopRequested(kind));
                break;
            case MoveKind.StrayFact:
                Happens(Stray(move.A, 100 + (move.B % 3)));
                break;
            default:
                if (process is not null)
                {
                    Make(move, process);
                }

                break;
        }
    }

    /// <summary>From here on nothing fails: what hangs still hangs, but all else boots, beats and obeys. Then all must be well, and stay so.</summary>
    public void SettleDown()
    {
        _log.Add("-- from here on nothing fails");
        for (var tick = 0; tick < 160; tick++)
        {
            foreach (var index in Referee.Awaited.ToList())
            {
                Spawn(index);
            }

            foreach (var process in Alive.ToList())
            {
                process.Stuck = false;
                if (process is { Hung: false, Says: WorkerState.Booting })
                {
                    BecomeReady(process, byMessage: true);
                }
            }

            TimePasses(1, CoarseTick);
        }

        if (_state.Stop is not null)
        {
            Assert.NotNull(Referee.LeftWith);
            return;
        }

        Assert.Equal(SupervisorPhase.Running, _state.Phase);
        Assert.Equal(_state.Target, _state.Workers.Count);
        Assert.All(_state.Workers.Values, worker => Assert.Equal(WorkerPhase.Serving, worker.Phase));

        var settled = Referee.Seen.Values.Sum();
        TimePasses(100, CoarseTick);
        Assert.Equal(settled, Referee.Seen.Values.Sum());
    }

    private static SupervisorEvent Stray(int which, int index) => (which % 8) switch
    {
        0 => new WorkerSpawned(index, 4711),
        1 => new WorkerSpawnFailed(index, "?"),
        2 => new WorkerReady(index),
        3 => new WorkerBeat(index, 0, WorkerState.Serving),
        4 => new WorkerExited(index, ExitStatus.Exited(0)),
        5 => new WorkerAbortFinished(index),
        6 => new WorkerFailedToStart(index, 4, "?"),
        _ => new Started(),
    };

    private void Make(Move move, SimulatedProcess process)
    {
        switch (move.Kind)
        {
            case MoveKind.SaysHello:
                process.SaidHello = true;
                Happens(new WorkerSaidHello(process.Index));
                break;
            case MoveKind.BecomesReady when process is { Hung: false, Says: WorkerState.Booting }:
                BecomeReady(process, byMessage: move.B % 2 == 0);
                break;
            case MoveKind.Hangs:
                process.Hung = true;
                break;
            case MoveKind.Recovers:
                process.Hung = false;
                break;
            case MoveKind.SticksInTheKernel:
                process.Hung = process.Stuck = true;
                break;
            case MoveKind.Exits:
                Die(process, ExitStatus.Exited(move.B % 3));
                break;
            case MoveKind.DiesBySignal:
                Die(process, ExitStatus.Killed(11));
                break;
            case MoveKind.LeavesByItself:
                process.Says = WorkerState.Draining;
                break;
            case MoveKind.AbortFinishes:
                process.AbortFinished = process.AbortDue is not null;
                Happens(new WorkerAbortFinished(process.Index));
                break;
            case MoveKind.FailsToStart when !process.Serves:
                Happens(new WorkerFailedToStart(process.Index, 4, "?"));
                break;
            case MoveKind.ListensByItself when !process.SaidHello:
                Happens(new WorkerListensByItself(process.Index, "http://localhost:5000"));
                break;
        }
    }

    private void Spawn(int index)
    {
        Referee.Awaited.Remove(index);
        Referee.Processes.Add(index, new SimulatedProcess
        {
            Index = index,
            Pid = ++_pids,
            LastProof = _now,
            BootDue = _now + Nanoseconds.Of(Settings.BootTimeout),
        });
        Happens(new WorkerSpawned(index, _pids));
    }

    private void BecomeReady(SimulatedProcess process, bool byMessage)
    {
        process.Says = WorkerState.Serving;
        if (byMessage)
        {
            NowServes(process);
            Happens(new WorkerReady(process.Index));
        }
    }

    private void NowServes(SimulatedProcess process)
    {
        if (!process.Serves && !process.IsOrderedToEnd)
        {
            process.Serves = true;
            process.LastProof = _now;
        }
    }

    private void Die(SimulatedProcess process, ExitStatus status)
    {
        Referee.Processes.Remove(process.Index);
        Happens(new WorkerExited(process.Index, status));
    }

    private void Scale(int to, SupervisorEvent request)
    {
        Referee.FewerAsked(Math.Max(0, _state.Target - to));
        Happens(request);
    }

    private void TimePasses(int ticks, long tick)
    {
        for (; ticks > 0; ticks--)
        {
            _now += tick;
            ThenComes(tickFirst: false);
        }
    }

    private void ThenComes(bool tickFirst)
    {
        if (tickFirst)
        {
            Happens(new Tick());
        }

        foreach (var process in Alive.ToList())
        {
            if (process is { KillAgainDue: not null, Stuck: false })
            {
                Die(process, ExitStatus.Killed(9));
            }
            else if (process is { LeaveDueBy: not null, Hung: false })
            {
                Die(process, ExitStatus.Exited(0));
            }
            else if (!process.Hung)
            {
                Beat(process);
            }
        }

        Happens(new Tick());
    }

    private void Beat(SimulatedProcess process)
    {
        process.LastProof = _now;
        if (process.Says == WorkerState.Serving)
        {
            NowServes(process);
        }
        else if (process is { Says: WorkerState.Draining, Serves: true, IsOrderedToEnd: false })
        {
            process.LeaveDueFrom = process.LeaveDueBy = _now + Nanoseconds.Of(Settings.GracefulTimeout + ArbiterSettings.GraceMargin);
        }

        Happens(new WorkerBeat(process.Index, _now, process.Says));
    }

    private void Happens(SupervisorEvent happened)
    {
        var gap = _now - _state.LastStepAt;
        if (_state.LastStepAt != 0 && gap >= Nanoseconds.Of(Settings.PauseThreshold))
        {
            foreach (var process in Alive)
            {
                process.Forgive(gap, _now);
            }
        }

        var before = _state;
        (_state, var effects) = Arbiter.Step(before, happened, _now);
        _log.Add($"{_now / (double)Second:0.0} {happened} -> {string.Join("; ", effects)}");
        Assert.Equal(effects, Arbiter.Step(before, happened, _now).Effects);
        foreach (var effect in effects)
        {
            Referee.Judge(effect, before, _state, _now);
        }

        if (Referee.LeftWith is null)
        {
            Referee.Inspect(_state);
            if (happened is Tick)
            {
                Referee.InspectAfterTick(_now);
            }
        }
    }
}
