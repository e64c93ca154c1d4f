using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Core;

/// <summary>
/// Tells the arbiter what happens, on a clock of its own, and remembers everything it wanted done. Pids are
/// 1000 + a running number; healthy workers are made to beat by <see cref="Passes"/>.
/// </summary>
internal sealed class Story
{
    private static readonly long Beginning = Seconds(1000);

    private readonly List<Effect> _effects = [];
    private readonly HashSet<int> _silent = [];
    private long _now = Beginning;
    private int _pids = 1000;

    public Story(int workers, ArbiterSettings? settings = null, bool hasLead = true) =>
        State = new SupervisorState { Settings = settings ?? new ArbiterSettings(), Target = workers, HasLead = hasLead };

    public SupervisorState State { get; private set; }

    public SupervisorPhase Phase => State.Phase;

    public long Now => _now;

    /// <summary>Everything wanted since the last look.</summary>
    public IReadOnlyList<Effect> News
    {
        get
        {
            var news = _effects.ToArray();
            _effects.Clear();
            return news;
        }
    }

    public WorkerHandle this[int index] => State.Workers[index];

    public static Story WithServing(int workers, ArbiterSettings? settings = null)
    {
        var story = new Story(workers, settings);
        story.Happens(new Started());
        for (var index = 1; index <= workers; index++)
        {
            story.Boots(index);
        }

        _ = story.News;
        return story;
    }

    public Story Happens(SupervisorEvent happened)
    {
        (State, var effects) = Arbiter.Step(State, happened, _now);
        _effects.AddRange(effects);
        return this;
    }

    /// <summary>A client asks for this, and waits.</summary>
    public Story Asks(long operation, SupervisorEvent request) => Happens(new OperationRequested(operation, request));

    /// <summary>Asserts which operations have ended since the last look, and how: <c>1 Succeeded, 2 Failed</c>.</summary>
    public Story Ends(string operations)
    {
        Assert.Equal(operations, string.Join(", ", News.OfType<EndOperation>().Select(static e => $"{e.Id} {e.Outcome}")));
        return this;
    }

    /// <summary>How an operation has ended since the last look.</summary>
    public EndOperation EndOf(long operation) => Assert.Single(_effects.OfType<EndOperation>(), end => end.Id == operation);

    /// <summary>Spawned, hello, ready.</summary>
    public Story Boots(int index) =>
        Spawns(index).Happens(new WorkerSaidHello(index)).Happens(new WorkerReady(index));

    /// <summary>The generation that is being prepared can be started.</summary>
    public Story IsPrepared(ArbiterSettings? settings = null, int? workers = null) =>
        Happens(new Prepared(State.Preparing ?? 0, settings ?? State.Settings, workers));

    public Story Spawns(int index)
    {
        _silent.Remove(index);
        return Happens(new WorkerSpawned(index, ++_pids));
    }

    public Story Exits(int index, int code) => Happens(new WorkerExited(index, ExitStatus.Exited(code)));

    public Story DiesBySignal(int index, int signal) => Happens(new WorkerExited(index, ExitStatus.Killed(signal)));

    public Story FallsSilent(int index)
    {
        _silent.Add(index);
        return this;
    }

    public Story Beats(int index, WorkerState state = WorkerState.Serving) => Happens(new WorkerBeat(index, _now, state));

    /// <summary>Time goes by in ticks; whoever serves or stands by, and did not fall silent, beats at each.</summary>
    public Story Passes(double seconds)
    {
        var end = _now + Seconds(seconds);
        while (_now < end)
        {
            _now = Math.Min(end, _now + Nanoseconds.Of(ArbiterSettings.TickInterval));
            foreach (var worker in State.Workers.Values.Where(w => w is { Phase: WorkerPhase.Standby or WorkerPhase.Serving, Pid: not null } && !_silent.Contains(w.Index)))
            {
                Happens(new WorkerBeat(worker.Index, _now, worker.Phase == WorkerPhase.Serving ? WorkerState.Serving : WorkerState.Standby));
            }

            Happens(new Tick());
        }

        return this;
    }

    /// <summary>The supervisor itself does not run: no step, no matter what happens meanwhile.</summary>
    public Story SupervisorSleeps(double seconds)
    {
        _now += Seconds(seconds);
        return this;
    }

    /// <summary>
    /// Asserts what was wanted since the last look, as one line: <c>spawn 2, abort 1</c>. Notices and what workers are told
    /// stand aside: a gate opens after each boot.
    /// </summary>
    public Story Wants(string effects) => Wants(effects, static effect => effect is not (Report or OpenWorker or TellSiblings or AppointLeader or EndOperation));

    /// <summary>The same, with the gates that were opened.</summary>
    public Story WantsWithGates(string effects) => Wants(effects, static effect => effect is not (Report or TellSiblings or AppointLeader or EndOperation));

    /// <summary>Asserts who was told to lead, or to lead no more, since the last look: <c>1 leads</c>, <c>1 does not</c>.</summary>
    public Story Appoints(string appointments)
    {
        Assert.Equal(appointments, string.Join(", ", News.OfType<AppointLeader>().Select(e => $"{e.Index} {(e.IsLeader ? "leads" : "does not")}")));
        return this;
    }

    public Story WantsNothing() => Wants("");

    /// <summary>Asserts that exactly one notice of this type came since the last look.</summary>
    public T NoticeOf<T>()
        where T : Notice =>
        Assert.Single(_effects.OfType<Report>().Select(report => report.Notice).OfType<T>());

    /// <summary>The seats, as <c>1 serving, 2 backoff</c>.</summary>
    public string Seats() => string.Join(", ", State.Workers.Values.Select(w => $"{w.Index} {w.Phase.ToString().ToLowerInvariant()}"));

    private static long Seconds(double seconds) => (long)(seconds * 1e9);

    private Story Wants(string effects, Func<Effect, bool> counts)
    {
        Assert.Equal(effects, string.Join(", ", News.Where(counts).Select(Describe)));
        return this;
    }

    private static string Describe(Effect effect) => effect switch
    {
        SpawnWorker { Generation: > 1 } spawn => $"spawn {spawn.Index} of generation {spawn.Generation}",
        SpawnWorker spawn => $"spawn {spawn.Index}",
        OpenWorker open => $"open {open.Index}",
        WarmWorker warm => $"warm {warm.Index} at {string.Join(' ', warm.Plan.Requests)}",
        Prepare prepare => $"prepare {prepare.Generation}",
        CancelPreparation => "cancel the preparation",
        DrainWorker drain => string.Create(CultureInfo.InvariantCulture, $"drain {drain.Index} in {drain.Deadline.TotalSeconds:0.#}s"),
        AbortWorker abort => $"abort {abort.Index}",
        KillWorker kill => $"kill {kill.Index}",
        Leave leave => $"leave {leave.ExitCode}",
        _ => effect.ToString(),
    };
}
