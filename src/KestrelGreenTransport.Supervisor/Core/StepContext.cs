using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>One step in progress: the state so far and the effects so far. Lives only within <see cref="Arbiter.Step"/>.</summary>
internal sealed class StepContext(SupervisorState state, long now)
{
    private readonly ImmutableArray<Effect>.Builder _effects = ImmutableArray.CreateBuilder<Effect>();

    public SupervisorState State { get; set; } = state;

    public long Now { get; } = now;

    /// <summary>The settings of the generation in force.</summary>
    public ArbiterSettings Settings => State.Settings;

    /// <summary>The shorter threshold of the generation in force and the one being introduced.</summary>
    public TimeSpan PauseThreshold =>
        State.Reload?.Settings is { } coming && coming.PauseThreshold < Settings.PauseThreshold ? coming.PauseThreshold : Settings.PauseThreshold;

    public bool IsStopping => State.Stop is not null;

    /// <summary>The workers as they are now; the step may change them during enumeration.</summary>
    public IEnumerable<WorkerHandle> Workers => State.Workers.Values;

    /// <summary>The seats that are wanted.</summary>
    public IEnumerable<WorkerHandle> Staying => Workers.Where(worker => worker.IsStaying);

    /// <summary>The seats that count towards the target.</summary>
    public IEnumerable<WorkerHandle> Active => Staying.Where(worker => worker.Kind == SeatKind.Active);

    public ImmutableArray<Effect> Effects => _effects.ToImmutable();

    public long After(TimeSpan span) => Now + Nanoseconds.Of(span);

    public bool IsDue(WorkerHandle worker) => worker.Deadline <= Now;

    public WorkerHandle? Find(int index) => State.Workers.GetValueOrDefault(index);

    /// <summary>The worker of this index, if it has a process.</summary>
    public WorkerHandle? FindLiving(int index) => Find(index) is { Pid: not null } worker ? worker : null;

    /// <summary>The worker of this index, if its process was requested and has not been reported yet.</summary>
    public WorkerHandle? FindAwaited(int index) => Find(index) is { Pid: null, Phase: not WorkerPhase.Backoff } worker ? worker : null;

    /// <summary>The lowest index that no process and no waiting seat uses.</summary>
    public int LowestFreeIndex()
    {
        var index = 1;
        while (State.Workers.ContainsKey(index))
        {
            index++;
        }

        return index;
    }

    public void Put(WorkerHandle worker) => State = State with { Workers = State.Workers.SetItem(worker.Index, worker) };

    public void Remove(WorkerHandle worker) => State = State with { Workers = State.Workers.Remove(worker.Index) };

    public void Do(Effect effect) => _effects.Add(effect);

    public void Say(Notice notice) => Do(new Report(notice));
}
