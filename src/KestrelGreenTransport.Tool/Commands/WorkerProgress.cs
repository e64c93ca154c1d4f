using System.Globalization;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Tool.Rendering;

namespace KestrelGreenTransport.Tool.Commands;

/// <summary>
/// Reports, while a user waits for an action, what happens to each worker: each change between two reads of the status once, and now
/// and then what the action is still waiting for.
/// </summary>
internal sealed class WorkerProgress(TextWriter output)
{
    // Looks come five times a second.
    private const int LooksBetweenReminders = 50;

    private readonly Dictionary<int, (int? Pid, WorkerPhase State)> _seen = [];
    private int _looksWithoutNews;

    public void Look(StatusDocument status)
    {
        var hasNews = false;
        foreach (var (index, (pid, _)) in _seen.Where(seen => status.Workers.All(worker => worker.Index != seen.Key)).OrderBy(static seen => seen.Key).ToList())
        {
            _seen.Remove(index);
            Say($"{Name(index, pid)} has exited");
        }

        foreach (var worker in status.Workers)
        {
            var isKnown = _seen.TryGetValue(worker.Index, out var before);
            _seen[worker.Index] = (worker.Pid, worker.State);

            // A worker in a settled state is not reported at the first look.
            if (isKnown ? before.State != worker.State || (before.Pid != worker.Pid && before.Pid is not null && worker.Pid is not null) : !IsSettled(worker))
            {
                Say(Describe(worker));
            }
        }

        _looksWithoutNews = hasNews ? 0 : _looksWithoutNews + 1;
        if (_looksWithoutNews == LooksBetweenReminders)
        {
            foreach (var worker in status.Workers.Where(static worker => !IsSettled(worker)))
            {
                Say($"still waiting: {Describe(worker)}");
            }

            _looksWithoutNews = 0;
        }

        void Say(string what)
        {
            hasNews = true;
            output.WriteLine(what);
        }
    }

    private static bool IsSettled(WorkerStatus worker) => worker.State is WorkerPhase.Serving or WorkerPhase.Standby;

    private static string Describe(WorkerStatus worker) => string.Create(CultureInfo.InvariantCulture, $"{Name(worker.Index, worker.Pid)} {worker.State switch
    {
        WorkerPhase.Booting => "is starting",
        WorkerPhase.Warming => "is warming up",
        WorkerPhase.Standby => "is on standby",
        WorkerPhase.Serving => "is serving",
        WorkerPhase.Draining => $"is draining, {Count(worker.RequestsInFlight, "request")} in flight on {Count(worker.Connections, "connection")}",
        WorkerPhase.Suspect => "sends no heartbeat: taking its stacks",
        WorkerPhase.Killing => "is being killed",
        WorkerPhase.Backoff => $"will be restarted{(worker.LastExit is { } exit ? $"; last exit: {StatusView.How(exit)}" : "")}",
        var other => $"is {NoticeReporter.Name(other)}",
    }}");

    private static string Name(int index, int? pid) => string.Create(CultureInfo.InvariantCulture, $"worker {index}{(pid is { } known ? $" (pid {known})" : "")}");

    private static string Count(long number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");
}
