using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Tests.Core;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Control;

public sealed class WorkerStoryTests
{
    private readonly Journal _journal = new(TimeProvider.System);

    [Fact]
    public void A_hung_worker_is_found_by_its_own_index_and_by_that_of_its_replacement()
    {
        var story = Story.WithServing(workers: 2, new ArbiterSettings { Timeout = TimeSpan.FromSeconds(3) }).FallsSilent(1).Passes(3.1).Boots(3);
        Writes(1, 1001, "hung");
        Happens(1, 1001, "no heartbeat from worker 1");
        Writes(3, 1003, "replacement");
        story.DiesBySignal(1, 9);
        Happens(2, 1002, "worker 2 is another one");

        var old = Of(1, story);
        Assert.Equal((1, 1001, "stale", "noHeartbeat", 3), Shown(old.Ended.Single()));
        Assert.Equal(("no heartbeat from worker 1", "", "hung"), (Texts(old.Events), Texts(old.Lines), Texts(old.LastWords)));

        var replacement = Of(3, story);
        Assert.Equal(old.Ended, replacement.Ended);
        Assert.Equal(("no heartbeat from worker 1", "replacement", "hung"), (Texts(replacement.Events), Texts(replacement.Lines), Texts(replacement.LastWords)));
        Assert.Empty(Of(2, story).Ended);
    }

    [Fact]
    public void An_index_that_was_used_again_tells_its_processes_apart()
    {
        var story = Story.WithServing(workers: 1).Exits(1, 1).Boots(1).Exits(1, 2).Passes(1).Boots(1);
        Writes(1, 1001, "first");
        Writes(1, 1002, "second");
        Writes(1, 1003, "third");

        var told = Of(1, story);

        Assert.Equal([1002, 1001], told.Ended.Select(static one => one.Exit.Pid!.Value));
        Assert.Equal(("third", "second"), (Texts(told.Lines), Texts(told.LastWords)));
    }

    private static (int?, int?, string, string?, int?) Shown(EndedStatus ended) => (ended.Exit.Index, ended.Exit.Pid, ended.Exit.Reason, ended.Exit.Verdict, ended.Heir);

    private static string Texts(IEnumerable<LogLine> lines) => string.Join(", ", lines.Select(static line => line.Text));

    private WorkerStory Of(int index, Story story) => WorkerStory.Of(index, story.State, _journal, story.Now, DateTimeOffset.UnixEpoch);

    private void Writes(int worker, int pid, string text)
    {
        _journal.Begin(worker, pid);
        _journal.AddLine(worker, pid, OutputStream.Out, text);
    }

    private void Happens(int worker, int pid, string text) => _journal.AddEvent(LogLevel.Error, new EventId(203, "WorkerStale"), worker, pid, text);
}
