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
        MaxRequests = 500,
        MaxRequestsJitter = 100,
    };

    private static readonly long Second = Nanoseconds.Of(TimeSpan.FromSeconds(1));
    private static readonly long FineTick = Nanoseconds.Of(ArbiterSettings.TickInterval);
    private static readonly long CoarseTick = 5 * FineTick;

    private readonly List<string> _log = [];
    private SupervisorState _state;
    private long _now = 1000 * Second;
    private long _forgivenAt;
    private int _pids = 1000;
    private long _operations;

    public World(int workers, int seed)
    {
        var settings = Settings with { Standby = seed % 3, WarmUp = seed % 2 == 0 ? new WarmUpPlan([new WarmUpRequest("GET", "/")], TimeSpan.FromSeconds(2)) : null, KillsHungRequests = seed % 4 < 2 };

        // Some follow another supervisor, and get the lead from it at some time.
        Referee.LeadIsGiven = seed % 5 != 0;
        _state = new SupervisorState { Settings = settings, Target = workers, Random = (uint)seed, HasLead = Referee.LeadIsGiven };
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
            case MoveKind.BootsOne:
                BootOne(move.A);
                break;
            case MoveKind.SpawnFails when Referee.Awaited.Count > 0:
                var index = Referee.Awaited.ElementAt(move.A % Referee.Awaited.Count);
                Referee.Awaited.Remove(index);
                Happens(new WorkerSpawnFailed(index, "EAGAIN"));
                break;
            case MoveKind.Scale:
                Scale(1 + (move.A % 5), () => Ask(move.B, new ScaleRequested(1 + (move.A % 5))));
                break;
            case MoveKind.ScaleBy:
                var delta = move.A % 2 == 0 ? 1 : -1;
                Scale(Math.Max(1, _state.Target + delta), () => Happens(new ScaleByRequested(delta)));
                break;
            case MoveKind.Reload:
                Referee.ReloadAsked = true;
                Ask(move.B, new ReloadRequested());
                break;
            case MoveKind.PreparationEnds when _state.Preparing is { } generation:
                if (move.A % 4 == 0)
                {
                    Happens(new PreparationFailed(generation, "no"));
                }
                else
                {
                    Prepare(generation, standby: move.B % 3, workers: move.A % 7 == 1 ? 1 + (move.B % 5) : null);
                }

                break;
            case MoveKind.Restart:
                Referee.RenewalAsked = true;
                Ask(move.B, new RestartRequested(move.A % 3 == 0 ? null : process?.Index));
                break;
            case MoveKind.DrainOne when process is not null:
                Referee.RenewalAsked = true;
                Referee.DrainedAlone = process.Index;
                Ask(move.B, new DrainRequested(process.Index));
                Referee.DrainedAlone = null;
                break;
            case MoveKind.DrainAll:
                Referee.DrainAsked = true;
                Ask(move.B, new DrainAllRequested());
                break;
            case MoveKind.Upgrade:
                Ask(1, new UpgradeRequested());
                break;
            case MoveKind.UpgradeEnds:
                Happens(new UpgradeEnded(move.A % 2 == 0 ? null : "it did not come up"));
                break;
            case MoveKind.Stop:
                var kind = move.A % 2 == 0 ? StopKind.Graceful : StopKind.Quick;
                Referee.StopAsked(kind);
                Happens(new StopRequested(kind));
                break;
            case MoveKind.LeadIsGiven when move.A % 4 == 0:
                GiveLead();
                break;
            case MoveKind.LeaderDies when Alive.FirstOrDefault(static one => one.Leads) is { } leader:
                Die(leader, ExitStatus.Killed(9));
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
        GiveLead();
        Happens(new UpgradeEnded("it did not come up"));
        for (var tick = 0; tick < 240 && !IsSettled(); tick++)
        {
            GoesWell();
        }

        Assert.Empty(Referee.Operations);
        if (_state.Stop is not null)
        {
            Assert.NotNull(Referee.LeftWith);
            return;
        }

        if (_state.IsDrained)
        {
            Assert.Empty(_state.Workers);
            return;
        }

        Assert.Equal(SupervisorPhase.Running, _state.Phase);
        Assert.True(Assert.Single(Alive, static process => process.Leads) is { IsDismissed: false, HasResigned: false });
        Assert.Equal(_state.Target, _state.Workers.Values.Count(worker => worker is { Kind: SeatKind.Active, Phase: WorkerPhase.Serving }));
        Assert.Equal(_state.Settings.Standby, _state.Workers.Values.Count(worker => worker is { Kind: SeatKind.Standby, Phase: WorkerPhase.Standby }));
        Assert.Equal(_state.Target + _state.Settings.Standby, _state.Workers.Count);
        Assert.Equal(_state.ReloadsAsked, _state.ReloadsBegun);
        Assert.True(_state.LastReload is not { Failure: null } || _state.Workers.Values.All(worker => worker.Generation == _state.Generation));

        var settled = Referee.Seen.Values.Sum();
        TimePasses(20, CoarseTick);
        Assert.Equal(settled, Referee.Seen.Values.Sum());
    }

    /// <summary>A reload begins and goes well, until the first worker of the old generation has been replaced.</summary>
    public void ReloadHalfway()
    {
        _log.Add("-- a reload gets half-way");
        Make(new Move(MoveKind.Reload, 0, 0));
        for (var tick = 0; tick < 240 && !IsHalfway(); tick++)
        {
            GoesWell();
        }

        Assert.True(IsHalfway());

        bool IsHalfway() => _state.Reload is not null && _state.Workers.Values.Any(worker => worker.Kind == SeatKind.Active && worker.Generation != _state.Generation);
    }

    /// <summary>Every worker dies before it is ready, until one attempt more would be too many.</summary>
    public void FailToBoot()
    {
        _log.Add("-- nothing boots");
        for (var tick = 0; tick < 240 && !IsTheLastAttempt(); tick++)
        {
            foreach (var index in Referee.Awaited.ToList())
            {
                Spawn(index);
                if (_state.Workers[index].FailuresInARow < ArbiterSettings.BootAttempts - 1)
                {
                    Die(Referee.Processes[index], ExitStatus.Exited(134));
                }
            }

            TimePasses(1, FineTick);
        }

        Assert.True(IsTheLastAttempt());

        bool IsTheLastAttempt() => _state.Workers.Values.All(static worker => worker.FailuresInARow >= ArbiterSettings.BootAttempts - 1);
    }

    private void GoesWell()
    {
        if (_state.Preparing is { } generation)
        {
            Prepare(generation, _state.Settings.Standby, workers: null);
        }

        foreach (var index in Referee.Awaited.ToList())
        {
            Spawn(index);
        }

        foreach (var process in Alive.ToList())
        {
            process.Stuck = false;
            if (process is { Hung: false, SaidHello: false })
            {
                SayHello(process);
            }

            if (process is { Hung: false, ReportedState: WorkerState.Booting })
            {
                BecomeReady(process, byMessage: true);
            }

            if (process is { Hung: false, IsWarming: true })
            {
                Warm(process, problem: null);
            }
        }

        TimePasses(1, CoarseTick);
    }

    private bool IsSettled() =>
        _state.Stop is not null || _state.IsDrained
            ? _state.Workers.IsEmpty && _state.Preparing is null && _state.ReloadsAsked == _state.ReloadsBegun
            : _state.Phase == SupervisorPhase.Running
                && _state.Surge is null
                && _state.Workers.Count == _state.Target + _state.Settings.Standby
                && _state.Workers.Values.All(worker => worker is { Phase: WorkerPhase.Serving or WorkerPhase.Standby, Due: null })
                && Alive.All(process => process is { Hung: false, ReportedState: not WorkerState.Draining })
                && Alive.Any(process => process is { Leads: true, IsDismissed: false });

    private static SupervisorEvent Stray(int which, int index) => (which % 15) switch
    {
        0 => new WorkerSpawned(index, 4711),
        1 => new WorkerSpawnFailed(index, "?"),
        2 => new WorkerReady(index),
        3 => new WorkerBeat(index, 0, WorkerState.Serving),
        4 => new WorkerExited(index, ExitStatus.Exited(0)),
        5 => new WorkerAbortFinished(index),
        6 => new WorkerFailedToStart(index, 4, "?"),
        7 => new WorkerWarmed(index, "?"),
        8 => new PreparationFailed(4711, "?"),
        9 => new WorkerMeasured(index, 1_000_000, 0),
        10 => new WorkerResigned(index),
        11 => new WorkerExamined(index, null, IsStopped: true),
        12 => new WorkerRequestOverdue(index, new SlowRequest("GET", "/", TimeSpan.Zero)),
        13 => new WorkerSaidOutOfMemory(index),
        _ => new Started(),
    };

    private void BootOne(int which)
    {
        if (Referee.Awaited.Count > 0)
        {
            Spawn(Referee.Awaited.ElementAt(which % Referee.Awaited.Count));
        }

        foreach (var process in Alive.Where(one => one is { Hung: false, ReportedState: WorkerState.Booting }).ToList())
        {
            BecomeReady(process, byMessage: true);
            if (process.IsWarming)
            {
                Warm(process, which % 10 == 0 ? "it answered 500" : null, timedOut: which % 20 == 0);
            }
        }
    }

    private void Make(Move move, SimulatedProcess process)
    {
        switch (move.Kind)
        {
            case MoveKind.SaysHello:
                SayHello(process);
                break;
            case MoveKind.Excused:
                process.WindowFrom = _now + (move.B % 10 * Second);
                Happens(new WorkerExcused(process.Index, TimeSpan.FromSeconds(move.B % 10)));
                break;
            case MoveKind.RequestHangs:
                process.HasHungRequest = process.IsReady;
                Happens(new WorkerRequestOverdue(process.Index, new SlowRequest("GET", "/report", TimeSpan.FromSeconds(move.B))));
                process.HasHungRequest = false;
                break;
            case MoveKind.RunsOutOfMemory:
                Happens(new WorkerSaidOutOfMemory(process.Index));
                break;
            case MoveKind.BecomesReady when process is { Hung: false, ReportedState: WorkerState.Booting }:
                BecomeReady(process, byMessage: move.B % 2 == 0);
                break;
            case MoveKind.Hangs:
                Hang(process, move.B);
                break;
            case MoveKind.Recovers when process.Hung:
                process.Hung = false;
                Beat(process);
                break;
            case MoveKind.SticksInTheKernel:
                Hang(process, move.B);
                process.Stuck = true;
                break;
            case MoveKind.Exits:
                Die(process, ExitStatus.Exited(move.B % 3));
                break;
            case MoveKind.DiesBySignal:
                Die(process, ExitStatus.Killed(11));
                break;
            case MoveKind.LeavesByItself:
                process.ReportedState = WorkerState.Draining;
                break;
            case MoveKind.WarmUpEnds when process is { Hung: false, IsWarming: true }:
                Warm(process, move.B % 2 == 0 ? "it answered 500" : null, timedOut: move.B % 4 == 0);
                break;
            case MoveKind.Measured:
                Referee.RenewalAsked = true;
                Happens(new WorkerMeasured(process.Index, move.B, 0));
                break;
            case MoveKind.AbortFinishes:
                process.AbortFinished = process.AbortDue is not null;
                Happens(new WorkerAbortFinished(process.Index));
                break;
            case MoveKind.FailsToStart when !process.IsReady:
                Happens(new WorkerFailedToStart(process.Index, 4, "?"));
                break;
            case MoveKind.ListensByItself when !process.SaidHello:
                Happens(new WorkerListensByItself(process.Index, "http://localhost:5000"));
                break;
        }
    }

    private void GiveLead()
    {
        Referee.LeadIsGiven = true;
        Happens(new LeadGiven());
    }

    private void SayHello(SimulatedProcess process)
    {
        process.SaidHello = true;
        Happens(new WorkerSaidHello(process.Index));
    }

    private static void Hang(SimulatedProcess process, int why)
    {
        process.Ails = process.Hung ? process.Ails : (why % 4) switch
        {
            0 => Verdict.FrozenProcess,
            1 => Verdict.ThreadPoolStarvation,
            2 => Verdict.BlockedLoop,
            _ => Verdict.NoHeartbeat,
        };
        process.Hung = true;
    }

    // As the supervisor does while a beat is overdue: what the board says, and the kernel of one in two that are frozen.
    private void Examine(SimulatedProcess process)
    {
        var before = process.LastProof - Second;
        var board = new BoardRecord
        {
            WrittenAt = process.Ails == Verdict.FrozenProcess ? before - Nanoseconds.Of(Settings.Timeout) : _now,
            ThreadPoolPassAt = process.Ails == Verdict.ThreadPoolStarvation ? before : _now,
            LoopPassAt = process.Ails == Verdict.BlockedLoop ? before : _now,
        };
        Happens(new WorkerExamined(process.Index, board, IsStopped: process.Ails == Verdict.FrozenProcess && process.Pid % 2 == 0));
    }

    private void Spawn(int index)
    {
        Referee.Awaited.Remove(index);
        Referee.Processes.Add(index, new SimulatedProcess
        {
            Index = index,
            Pid = ++_pids,
            LastBeatAt = _now,
            BootDue = _now + Nanoseconds.Of(Settings.BootTimeout),
        });
        Happens(new WorkerSpawned(index, _pids));
    }

    private void Prepare(long generation, int standby, int? workers)
    {
        if (workers is { } to && _state.Stop is null)
        {
            Referee.FewerAsked(Math.Max(0, _state.Target - to));
        }

        Happens(new Prepared(generation, _state.Settings with { Standby = standby }, workers));
    }

    private void BecomeReady(SimulatedProcess process, bool byMessage)
    {
        process.ReportedState = WorkerState.Standby;
        if (byMessage)
        {
            SayHello(process);
            Happens(new WorkerReady(process.Index));
        }
    }

    private void Warm(SimulatedProcess process, string? problem, bool timedOut = false)
    {
        process.IsWarming = false;
        Happens(new WorkerWarmed(process.Index, problem, timedOut));
    }

    private void Die(SimulatedProcess process, ExitStatus status)
    {
        Referee.Processes.Remove(process.Index);
        Happens(new WorkerExited(process.Index, status));
    }

    private void Scale(int to, Action ask)
    {
        Referee.FewerAsked(Math.Max(0, _state.Target - to));
        ask();
    }

    // A signal, or one of two clients that wait for the outcome.
    private void Ask(int who, SupervisorEvent request)
    {
        if (who % 3 == 0 || Referee.LeftWith is not null)
        {
            Happens(request);
            return;
        }

        Referee.Operations.Add(++_operations);
        Happens(new OperationRequested(_operations, request));
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
            if (process is { Leads: true, Hung: false } && (process.IsDismissed || process.ReportedState == WorkerState.Draining))
            {
                process.Leads = false;
                process.HasResigned = true;
                Happens(new WorkerResigned(process.Index));
            }

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
            else if (process is { IsReady: true, IsOrderedToEnd: false } && _now - process.LastProof > Nanoseconds.Of(Settings.Timeout) / 2)
            {
                Examine(process);
            }
        }

        Happens(new Tick());
    }

    private void Beat(SimulatedProcess process)
    {
        ForgivePause();
        process.LastBeatAt = _now;
        if (process is { ReportedState: WorkerState.Draining, IsReady: true, IsOrderedToEnd: false })
        {
            process.LeaveDueFrom = process.LeaveDueBy = _now + Nanoseconds.Of(Settings.GracefulTimeout + ArbiterSettings.GraceMargin);
        }

        Happens(new WorkerBeat(process.Index, _now, process.ReportedState));
    }

    // What is ordered from now on is not late by the time in which the supervisor did not run.
    private void ForgivePause()
    {
        var gap = _now - _state.LastStepAt;
        if (_state.LastStepAt == 0 || gap < Nanoseconds.Of(Settings.PauseThreshold) || _forgivenAt == _now)
        {
            return;
        }

        _forgivenAt = _now;
        foreach (var process in Alive)
        {
            process.Forgive(gap, _now);
        }
    }

    private void Happens(SupervisorEvent happened)
    {
        ForgivePause();
        var before = _state;
        (_state, var effects) = Arbiter.Step(before, happened, _now);
        _log.Add($"{_now / (double)Second:0.0} {happened} -> {string.Join("; ", effects)}");
        Assert.Equal(effects, Arbiter.Step(before, happened, _now).Effects);
        foreach (var effect in effects)
        {
            Referee.Judge(effect, before, _state, _now);
            if (effect is OpenWorker open && Referee.Processes[open.Index] is { ReportedState: WorkerState.Standby } opened)
            {
                opened.ReportedState = WorkerState.Serving;
            }
        }

        foreach (var process in Alive.Where(p => !p.IsReady && _state.Workers[p.Index].Phase is WorkerPhase.Standby or WorkerPhase.Serving))
        {
            process.IsReady = true;
            process.WindowFrom = _now;
        }

        if (Referee.LeftWith is null)
        {
            Referee.Compare(before, _state);
            Referee.Inspect(_state);
            if (happened is Tick)
            {
                Referee.InspectAfterTick(_now);
            }
        }
    }
}
