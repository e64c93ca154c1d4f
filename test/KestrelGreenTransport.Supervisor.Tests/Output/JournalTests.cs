using KestrelGreenTransport.Supervisor.Output;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public sealed class JournalTests
{
    private readonly Journal _journal = new(TimeProvider.System);

    public JournalTests()
    {
        _journal.Begin(1, 4121);
        _journal.Begin(2, 4122);
    }

    [Fact]
    public void A_chatty_worker_pushes_neither_its_sibling_nor_the_events_out()
    {
        _journal.AddLine(1, 4120 + 1, OutputStream.Out, "quiet");
        _journal.AddEvent(LogLevel.Error, new EventId(201, "WorkerDied"), 1, 4121, "died");
        for (var i = 0; i < Journal.LinesOfAWorker + 10; i++)
        {
            _journal.AddLine(2, 4120 + 2, OutputStream.Out, $"line {i}");
        }

        var (entries, next) = _journal.Read(0, int.MaxValue);

        Assert.Equal(["quiet", "died", "line 10"], entries.Take(3).Select(static entry => entry.Text));
        Assert.Equal(Journal.LinesOfAWorker + 2, entries.Count);
        Assert.Equal(Journal.LinesOfAWorker + 12, next);
    }

    [Fact]
    public void The_last_words_of_a_process_outlive_what_the_next_one_at_its_index_says()
    {
        for (var i = 0; i < Journal.LinesOfAWorker; i++)
        {
            _journal.AddLine(1, 4121, OutputStream.Error, $"old {i}");
        }

        _journal.Begin(1, 5000);
        for (var i = 0; i < Journal.LinesOfAWorker + 10; i++)
        {
            _journal.AddLine(1, 5000, OutputStream.Error, $"new {i}");
        }

        _journal.AddLine(1, 4121, OutputStream.Error, "late");

        var old = _journal.Newest(int.MaxValue, static entry => entry.Pid == 4121);
        Assert.Equal(Journal.LinesOfThePast, old.Count);
        Assert.Equal(("old 901", "late"), (old[0].Text, old[^1].Text));
        Assert.Equal(Journal.LinesOfAWorker, _journal.Newest(int.MaxValue, static entry => entry.Pid == 5000).Count);
    }

    [Fact]
    public void Of_many_processes_that_came_and_went_the_youngest_are_kept()
    {
        for (var pid = 5000; pid < 5000 + Journal.Past + 10; pid++)
        {
            _journal.Begin(1, pid);
            _journal.AddLine(1, pid, OutputStream.Out, "a line");
        }

        // A process that still holds the first worker's pipe writes.
        _journal.AddLine(1, 5000, OutputStream.Out, "from a grandchild");

        var kept = _journal.Newest(int.MaxValue, static entry => !entry.IsEvent).Select(static entry => entry.Pid!.Value).ToList();
        Assert.Equal(Journal.Past + 1, kept.Count);
        Assert.Equal((5000, 5000 + Journal.Past + 9), (kept[^1], kept[^2]));
    }

    [Fact]
    public void Long_lines_are_kept_by_their_length()
    {
        var line = new string('x', Journal.Characters / 4);
        for (var i = 0; i < 10; i++)
        {
            _journal.AddLine(1, 4120 + 1, OutputStream.Out, line);
        }

        Assert.Equal(4, _journal.Read(0, int.MaxValue).Entries.Count);
    }

    [Fact]
    public void The_last_words_of_a_worker_are_its_last_thirty_lines()
    {
        for (var i = 0; i < 31; i++)
        {
            _journal.AddLine(1, 4120 + 1, OutputStream.Error, $"line {i}");
        }

        _journal.AddEvent(LogLevel.Error, new EventId(201, "WorkerDied"), 1, 4121, "died");

        Assert.Equal("line 1", _journal.Of(1)[0]);
        Assert.Equal("line 30", _journal.Of(1)[^1]);
        Assert.Empty(_journal.Of(2));
    }

    [Fact]
    public void The_last_words_are_those_of_the_last_process_alone()
    {
        for (var pid = 4121; pid < 4124; pid++)
        {
            _journal.Begin(1, pid);
            _journal.AddLine(1, pid, OutputStream.Error, "Unhandled exception.");
            _journal.AddLine(1, pid, OutputStream.Error, $"   at {pid}");
        }

        // A worker that ends before it writes leaves no lines.
        _journal.Begin(1, 4124);

        Assert.Equal(["Unhandled exception.", "   at 4123"], _journal.Of(1));
    }
}
