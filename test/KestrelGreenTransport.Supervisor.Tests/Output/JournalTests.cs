using KestrelGreenTransport.Supervisor.Output;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public sealed class JournalTests
{
    private readonly Journal _journal = new(TimeProvider.System);

    [Fact]
    public void A_chatty_worker_pushes_neither_its_sibling_nor_the_events_out()
    {
        _journal.AddLine(1, OutputStream.Out, "quiet");
        _journal.AddEvent(LogLevel.Error, new EventId(201, "WorkerDied"), 1, "died");
        for (var i = 0; i < Journal.LinesOfAWorker + 10; i++)
        {
            _journal.AddLine(2, OutputStream.Out, $"line {i}");
        }

        var (entries, next) = _journal.Read(0, int.MaxValue);

        Assert.Equal(["quiet", "died", "line 10"], entries.Take(3).Select(static entry => entry.Text));
        Assert.Equal(Journal.LinesOfAWorker + 2, entries.Count);
        Assert.Equal(Journal.LinesOfAWorker + 12, next);
    }

    [Fact]
    public void Long_lines_are_kept_by_their_length()
    {
        var line = new string('x', Journal.Characters / 4);
        for (var i = 0; i < 10; i++)
        {
            _journal.AddLine(1, OutputStream.Out, line);
        }

        Assert.Equal(4, _journal.Read(0, int.MaxValue).Entries.Count);
    }

    [Fact]
    public void The_last_words_of_a_worker_are_its_last_thirty_lines()
    {
        for (var i = 0; i < 31; i++)
        {
            _journal.AddLine(1, OutputStream.Error, $"line {i}");
        }

        _journal.AddEvent(LogLevel.Error, new EventId(201, "WorkerDied"), 1, "died");

        Assert.Equal("line 1", _journal.Of(1)[0]);
        Assert.Equal("line 30", _journal.Of(1)[^1]);
        Assert.Empty(_journal.Of(2));
    }
}
