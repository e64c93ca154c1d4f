using KestrelGreenTransport.Supervisor.Control;

namespace KestrelGreenTransport.Tool.Top;

/// <summary>The state of <c>green top</c>: the last two samples, the last events, the selected worker. It has no side effects.</summary>
internal sealed record TopModel
{
    private const int EventsKept = 100;

    public Figures? Before { get; init; }

    public Figures? Now { get; init; }

    public IReadOnlyList<LogLine> Events { get; init; } = [];

    /// <summary>The index of the worker that keys act on.</summary>
    public int? Chosen { get; init; }

    /// <summary>The request of a key, while it waits for confirmation.</summary>
    public ControlRequest? Asked { get; init; }

    /// <summary>The result of the last key, or why there is nothing to show.</summary>
    public string Message { get; init; } = "";

    public bool IsLeaving { get; init; }

    private IReadOnlyList<WorkerStatus> Workers => Now?.Status.Workers ?? [];

    public Rates Total => Before is null || Now is null ? new Rates(0, 0, null, null) : Now.Since(Before);

    private double Seconds => Now!.At - Before!.At;

    public TopModel Look(Figures figures, IReadOnlyList<LogLine> events) => this with
    {
        Before = Now ?? figures,
        Now = figures,
        Events = [.. Events.Concat(events).TakeLast(EventsKept)],
        Chosen = Chosen is { } chosen && figures.Status.Workers.Any(worker => worker.Index == chosen) ? chosen
            : figures.Status.Workers is [var first, ..] ? first.Index : null,
    };

    public Rates RatesOf(int index) =>
        Before is null || Now is null ? new Rates(0, 0, null, null) : Now.Since(Before, index);

    /// <summary>How much of one processor a worker used, in percent; null if the process changed since the previous sample.</summary>
    public double? CpuOf(WorkerStatus worker) =>
        Before?.Status.Workers.FirstOrDefault(one => one.Index == worker.Index && one.Pid == worker.Pid) is { } before && Seconds > 0
            ? Math.Max(0, (worker.CpuSeconds - before.CpuSeconds) / Seconds * 100)
            : null;

    /// <summary>What a key does: the new model, and the request to the supervisor if there is one.</summary>
    public (TopModel Model, ControlRequest? Request) Press(ConsoleKeyInfo key)
    {
        if (Asked is { } asked)
        {
            return key.KeyChar is 'y' or 'Y' ? (this with { Asked = null, Message = "" }, asked) : (this with { Asked = null, Message = "cancelled" }, null);
        }

        return key switch
        {
            { KeyChar: 'q' or 'Q' or '\u0003' } or { Key: ConsoleKey.Escape } => (this with { IsLeaving = true }, null),
            { Key: ConsoleKey.UpArrow } or { KeyChar: 'k' } => (Choose(-1), null),
            { Key: ConsoleKey.DownArrow } or { KeyChar: 'j' } => (Choose(1), null),
            { KeyChar: '+' } => (this, Scale(1)),
            { KeyChar: '-' } => (this, Scale(-1)),
            { KeyChar: 'r' } => Ask("restart"),
            { KeyChar: 'd' } => Ask("drain"),
            { KeyChar: 'x' } => Ask("dump"),
            _ => (this, null),
        };
    }

    private ControlRequest? Scale(int by) =>
        Now is { Status.WorkersTarget: var target } && target + by >= 1 ? new ControlRequest { Command = "scale", Workers = target + by } : null;

    private (TopModel Model, ControlRequest? Request) Ask(string command) => Chosen is { } worker
        ? (this with { Asked = new ControlRequest { Command = command, Worker = worker }, Message = $"{command} worker {worker}? y to confirm, any other key to cancel" }, null)
        : (this, null);

    private TopModel Choose(int by)
    {
        var at = Workers.ToList().FindIndex(worker => worker.Index == Chosen) + by;
        return at >= 0 && at < Workers.Count ? this with { Chosen = Workers[at].Index } : this;
    }
}
