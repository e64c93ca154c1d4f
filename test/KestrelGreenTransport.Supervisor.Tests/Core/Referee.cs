using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

/// <summary>Watches the arbiter's effects in a random story and holds them against its invariants.</summary>
internal sealed class Referee(ArbiterSettings settings)
{
    private int _dismissals;
    private bool _secondQuick;
    private bool _gaveUp;
    private int? _servedAtReload;
    private long _verdicts;

    /// <summary>What is alive, by index.</summary>
    public SortedDictionary<int, SimulatedProcess> Processes { get; } = [];

    /// <summary>Indices whose process is being made.</summary>
    public SortedSet<int> Awaited { get; } = [];

    public Dictionary<string, int> Seen { get; } = [];

    /// <summary>What clients wait for.</summary>
    public HashSet<long> Operations { get; } = [];

    public StopKind? Stop { get; private set; }

    public int? LeftWith { get; private set; }

    public void StopAsked(StopKind kind)
    {
        _secondQuick |= (Stop, kind) is (StopKind.Quick, StopKind.Quick);
        Stop = Stop == StopKind.Quick ? StopKind.Quick : kind;
    }

    public void FewerAsked(int fewer) => _dismissals += fewer;

    public bool DrainAsked { get; set; }

    public bool ReloadAsked { get; set; }

    public bool RenewalAsked { get; set; }

    /// <summary>Whether the supervisor may let somebody lead.</summary>
    public bool LeadIsGiven { get; set; }

    /// <summary>The worker that somebody wants out of service now, whether another serves or not.</summary>
    public int? DrainedAlone { get; set; }

    public void Judge(Effect effect, SupervisorState before, SupervisorState after, long now)
    {
        Require(LeftWith is null, "nothing is wanted after leave");
        Count(effect);
        switch (effect)
        {
            case SpawnWorker spawn:
                Require(Stop is null && !_gaveUp && !after.IsDrained, "nothing is spawned during a stop");
                Require(spawn.Generation == before.Generation || spawn.Generation == after.Generation || spawn.Generation == after.Reload?.Generation, "only the generation in force and the coming one are spawned");
                Require(!Processes.ContainsKey(spawn.Index) && Awaited.Add(spawn.Index), $"index {spawn.Index} is free");
                break;
            case AbortWorker abort:
                JudgeAbort(Process(abort.Index), abort, now);
                break;
            case AppointLeader appoint:
                JudgeAppointment(Process(appoint.Index), appoint.IsLeader, after);
                break;
            case Report { Notice: SlowRequestNotice { IsKilled: false } }:
                _verdicts++;
                break;
            case Report { Notice: WorkerDiedNotice died }:
                JudgeReason(died.Exit);
                break;
            case Report { Notice: WorkerLeftNotice left }:
                Require(left.Exit.Reason is not (ExitReason.OutOfMemory or ExitReason.Crash), "a worker that we ended keeps the reason that we had");
                break;
            case KillWorker kill:
                JudgeKill(Process(kill.Index), before, now);
                break;
            case DrainWorker drain:
                JudgeDrain(Process(drain.Index), drain.Deadline, before, after, now);
                break;
            case OpenWorker open:
                Require(Process(open.Index) is { IsOrderedToEnd: false, ReportedState: WorkerState.Standby or WorkerState.Serving or WorkerState.Draining }, $"{open.Index} can serve");
                break;
            case WarmWorker warm:
                Require(Process(warm.Index) is { IsOrderedToEnd: false, IsReady: false, IsWarming: false }, $"{warm.Index} is warmed once, before it serves");
                Process(warm.Index).IsWarming = true;
                Process(warm.Index).BootDue = now + Nanoseconds.Of(warm.Plan.Time + ArbiterSettings.WarmUpMargin);
                break;
            case EndOperation end:
                Require(Operations.Remove(end.Id), $"operation {end.Id} is answered once");
                Require(end.Outcome != OperationOutcome.Pending && !after.Operations.Exists(one => one.Id == end.Id), "what is answered is over");
                Require(OperationText.Of(end, after, "shop").EndsWith('.'), "its outcome has words");
                Require(
                    (end.Outcome, end.Request) is not (OperationOutcome.Succeeded, ScaleRequested scale) || after.Workers.Keys.Count(index => Serves(after, index)) == scale.Workers,
                    "it was scaled to what was asked for");
                Require(
                    (end.Outcome, end.Request) is not (OperationOutcome.Succeeded, DrainRequested { Index: var drained }) || before.Workers.GetValueOrDefault(drained)?.Pid != after.Workers.GetValueOrDefault(drained)?.Pid,
                    "the worker that was drained has left");
                break;
            case Leave leave:
                Require(Stop is not null && Processes.Count == 0 && Awaited.Count == 0, "only an empty house is left");
                Require(leave.ExitCode == after.ExitCode && (leave.ExitCode == 3) == _gaveUp, $"the exit code {leave.ExitCode} says why");
                LeftWith = leave.ExitCode;
                break;
            case Report { Notice: BootFailureNotice or AppNotStartableNotice } report:
                Require(!before.EverServed && Stop is null, "only before anything served is there a reason to give up");
                _gaveUp = report.Notice is BootFailureNotice;
                Stop = StopKind.Quick;
                break;
        }
    }

    /// <summary>What a step may do to the number of those that serve while a reload is under way: only others than the reload may lower it.</summary>
    public void Compare(SupervisorState before, SupervisorState after)
    {
        if (after.Reload is null)
        {
            _servedAtReload = null;
            return;
        }

        var lost = before.Workers.Values.Count(w => Serves(w)
            && !(after.Workers.GetValueOrDefault(w.Index) is { } now && now.Pid == w.Pid && (Serves(now) || now.Ending == ExitReason.Reload)));
        _servedAtReload = (_servedAtReload ?? before.Workers.Values.Count(Serves)) - lost;
        Require(after.Workers.Values.Count(Serves) >= _servedAtReload, "a reload leaves no fewer serving than it found");

        static bool Serves(WorkerHandle worker) => worker is { IsStaying: true, Kind: SeatKind.Active, Phase: WorkerPhase.Serving };
    }

    /// <summary>What must hold between any two steps.</summary>
    public void Inspect(SupervisorState state)
    {
        var counts = state.Verdicts;
        Require(
            counts.FrozenProcess + counts.ThreadPoolStarvation + counts.BlockedLoop + counts.HungRequest + counts.NoHeartbeat == _verdicts,
            "every verdict is counted once");
        var leaders = Processes.Values.Where(p => p.Leads).ToList();
        Require(leaders.Count <= 1 && leaders.FirstOrDefault()?.Pid == state.Leader?.Pid, "who leads is known, and the only one");
        Require(
            leaders.Count == 1 || !LeadIsGiven || Stop is not null || !Processes.Values.Any(p => MayLead(p, state)),
            "somebody leads where anybody may");
        Require(
            state.Workers.Values.Where(w => w.Pid is not null).Select(w => (w.Index, w.Pid!.Value, w.IsStaying))
                .SequenceEqual(Processes.Values.Select(p => (p.Index, p.Pid, !p.IsOrderedToEnd))),
            "every process has one seat, which stays unless the process was ordered to end");
        Require(
            state.Workers.Values.Where(w => w is { Pid: null, Phase: not WorkerPhase.Backoff }).Select(w => w.Index).SequenceEqual(Awaited),
            "every process that is being made has one seat");
        if (Stop is not null)
        {
            Require(state.Workers.Values.All(w => !w.IsStaying), "nobody stays during a stop");
        }
        else
        {
            var staying = state.Workers.Values.Where(w => w.IsStaying).ToList();
            var active = staying.Where(w => w.Kind == SeatKind.Active).ToList();
            Require(active.Count == (state.IsDrained ? 0 : state.Target), "as many seats stay as are wanted");
            Require(
                !LeadIsGiven || staying.Any(w => w.Phase == WorkerPhase.Serving) || !staying.Any(w => w.Phase == WorkerPhase.Warming),
                "no worker warms up while no worker is serving");
            Require(staying.Count(w => w.Kind == SeatKind.Surge) <= 1, "there is one worker more than wanted at most");
            var serving = active.Count(w => w.Phase == WorkerPhase.Serving);
            Require(
                state.Phase == SupervisorPhase.Running == (serving >= state.Target && state.Reload is null),
                "the whole runs exactly while the target serves and nothing changes");
            Require(
                serving == active.Count || !staying.Any(w => w is { Kind: SeatKind.Standby, Phase: WorkerPhase.Standby }),
                "nobody stands by while a place is empty");
            Require(
                state.Surge is not { Candidate: { } candidate } || state.Workers.GetValueOrDefault(candidate) is { Kind: SeatKind.Surge },
                "the replacement that is waited for is there");
        }
    }

    /// <summary>What must have been done by a tick: nothing is forgotten.</summary>
    public void InspectAfterTick(long now)
    {
        foreach (var process in Processes.Values)
        {
            if (!process.IsOrderedToEnd)
            {
                Require(process.IsReady ? !IsStale(process, now) : process.BootDue > now, $"{process.Index} got its verdict");
            }

            Require(process.KillAgainDue is not null || !(process.AbortDue <= now || process.LeaveDueBy <= now), $"{process.Index} was killed in time");
            Require(process.KillAgainDue is null || process.KillAgainDue > now, $"{process.Index} was killed again in time");
        }
    }

    private static bool MayLead(SimulatedProcess process, SupervisorState state) =>
        process is { IsOrderedToEnd: false, HasResigned: false, SaidHello: true } && state.Workers[process.Index] is { IsStaying: true, Phase: WorkerPhase.Serving };

    private void JudgeAppointment(SimulatedProcess process, bool leads, SupervisorState after)
    {
        if (leads)
        {
            Require(LeadIsGiven && Stop is null, "there is a lead to be given");
            Require(Processes.Values.All(static p => !p.Leads), $"nobody else leads when {process.Index} is appointed");
            Require(MayLead(process, after), $"{process.Index} can lead");
            process.Leads = true;
        }
        else
        {
            Require(process is { Leads: true, IsDismissed: false }, $"{process.Index} leads when it is dismissed, once");
            process.IsDismissed = true;
        }
    }

    private static void JudgeReason(LastExit exit) => Require(
        exit.Reason is ExitReason.Crash or ExitReason.Exited or ExitReason.OutOfMemory && (exit.Reason == ExitReason.Exited) == (exit.Status.Code == 0),
        "a death of its own is told as one");

    private void JudgeAbort(SimulatedProcess process, AbortWorker abort, long now)
    {
        Require(!process.IsOrderedToEnd, $"{process.Index} gets one verdict");
        Require(
            process.HasHungRequest || (process.IsReady ? IsStale(process, now) : process.BootDue <= now),
            $"{process.Index} is really overdue");
        Require((abort.Verdict is not null) == (abort.Reason != ExitReason.BootTimeout), "a hang has a verdict, a slow boot has none");
        Require(abort.Reason != ExitReason.Stale || abort.Verdict == process.Ails, "the verdict names what it ails from");
        Require((abort.Verdict == Verdict.HungRequest) == (abort.Reason == ExitReason.RequestTimeout), "a request is blamed for itself");
        _verdicts += abort.Verdict is null ? 0 : 1;
        process.AbortDue = now + Nanoseconds.Of(ArbiterSettings.AbortTimeout);
    }

    private void JudgeKill(SimulatedProcess process, SupervisorState before, long now)
    {
        var fair = process switch
        {
            { KillAgainDue: { } again } => again <= now,
            { AbortDue: { } abort } => process.AbortFinished || abort <= now || _secondQuick,
            { LeaveDueFrom: { } leave } => leave <= now || _secondQuick || _gaveUp,
            _ => _gaveUp || before.Workers[process.Index] is { Pid: null, Phase: WorkerPhase.Killing },
        };
        Require(fair, $"{process.Index} had its time before it is killed");
        process.KillAgainDue = now + Nanoseconds.Of(ArbiterSettings.KillAgainAfter);
    }

    private void JudgeDrain(SimulatedProcess process, TimeSpan told, SupervisorState before, SupervisorState after, long now)
    {
        Require(process.AbortDue is null && process.KillAgainDue is null, $"{process.Index} can still drain");
        var seat = after.Workers[process.Index];
        var asked = seat.Ending switch
        {
            ExitReason.ScaleDown => seat.Kind != SeatKind.Active || _dismissals-- > 0,
            ExitReason.Stop => Stop is not null || DrainAsked,
            ExitReason.Reload => ReloadAsked,
            _ => RenewalAsked,
        };
        Require(Stop is not null || asked, $"somebody asked that {process.Index} leaves");
        if (Stop is null && !after.IsDrained && Serves(before, seat.Index) && seat.Index != DrainedAlone && seat.Ending is not ExitReason.ScaleDown)
        {
            // Whoever takes over a place that was not this one's own is new among those that serve in their places.
            var leave = before.Workers.Values.Count(w => Serves(before, w.Index) && after.Workers.GetValueOrDefault(w.Index) is { IsStaying: false, Phase: WorkerPhase.Draining, Ending: not (ExitReason.Exited or ExitReason.ScaleDown) } a && a.Pid == w.Pid);
            var come = after.Workers.Values.Count(w => Serves(after, w.Index) && !(Serves(before, w.Index) && before.Workers[w.Index].Pid == w.Pid));
            Require(come >= leave, $"{process.Index} leaves only once another one serves");
        }

        Require(process.LeaveDueBy is null || (Stop == StopKind.Quick && !process.ToldToHurry), $"{process.Index} is told again only to hurry");

        Require(Stop != StopKind.Quick || told == TimeSpan.Zero, "a quick stop leaves no time to finish");

        // A worker told zero has the margin at most: less at a quick stop, or if it was made late.
        var margin = Nanoseconds.Of(ArbiterSettings.GraceMargin);
        process.ToldToHurry = Stop == StopKind.Quick;
        process.LeaveDueBy = now + Nanoseconds.Of(told) + margin;
        process.LeaveDueFrom = told > TimeSpan.Zero ? process.LeaveDueBy : now;
    }

    private static bool Serves(SupervisorState state, int index) =>
        state.Workers.GetValueOrDefault(index) is { IsStaying: true, Kind: SeatKind.Active, Phase: WorkerPhase.Serving };

    private bool IsStale(SimulatedProcess process, long now) => now - process.LastProof > Nanoseconds.Of(settings.Timeout);

    private SimulatedProcess Process(int index) =>
        Processes.TryGetValue(index, out var process) ? process : throw new InvalidOperationException($"there is no process {index}");

    private void Count(Effect effect)
    {
        var name = effect switch
        {
            Report report => report.Notice.GetType().Name,
            Leave leave => $"Leave {leave.ExitCode}",
            EndOperation end => $"{end.Request.GetType().Name} {end.Outcome}",
            _ => effect.GetType().Name,
        };
        if (effect is AbortWorker { Verdict: { } verdict })
        {
            var passed = $"AbortWorker for {verdict}";
            Seen[passed] = Seen.GetValueOrDefault(passed) + 1;
        }

        Seen[name] = Seen.GetValueOrDefault(name) + 1;
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"broken: {what}");
        }
    }
}
