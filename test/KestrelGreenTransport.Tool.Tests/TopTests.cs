using System.Text.RegularExpressions;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Tests.Control;
using KestrelGreenTransport.Tool.Top;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class TopTests
{
    [Theory]
    [InlineData(80, 24)]
    [InlineData(80, 8)]
    [InlineData(40, 10)]
    [InlineData(200, 60)]
    public void It_fits_the_window_with_the_chosen_worker_in_sight(int width, int height)
    {
        var model = Model(workers: 12) with { Message = "taken" };
        model = Enumerable.Range(0, 9).Aggregate(model, static (now, _) => now.Press(Key(ConsoleKey.DownArrow)).Model);

        var lines = TopScreen.Draw(model, width, height, coloured: false);

        Assert.Equal(height, lines.Count);
        Assert.All(lines, line => Assert.True(line.Length <= width));
        Assert.Contains(lines, static line => line.StartsWith("> 10", StringComparison.Ordinal));
        Assert.StartsWith("taken", lines[^2]);
    }

    [Fact]
    public void Every_column_is_there_at_80()
    {
        var lines = TopScreen.Draw(Model(workers: 2), 80, 24, coloured: false);

        Assert.StartsWith("hello  running  2/2 serving  generation 3", lines[0]);
        Assert.StartsWith("10 req/s  2 failed/s  p50 ", lines[1]);
        Assert.Equal("   #     PID STATE      BEAT     CONNS  REQ/S     P50     P99   CPU    RSS  RST", lines[3]);
        Assert.Matches(@"^>  1\*   4121 serving    0\.4s   12/1000     10  +\d+us  +\d+us   50%  87 MB    0$", lines[4]);
        Assert.Contains(lines, static line => line.EndsWith("a line with ? and ? in it", StringComparison.Ordinal));
    }

    [Fact]
    public void One_that_warms_itself_shows_how_far_it_is_and_one_that_is_not_hot_yet_is_cold()
    {
        var lines = TopScreen.Draw(Model(workers: 2, static worker => worker.Index == 1 ? worker with { State = WorkerPhase.Warming, WarmUp = 0.4, CompiledMethodsPerSecond = 1234.5 } : worker with { Hot = false }), 80, 24, coloured: false);

        Assert.Matches(@"^>  1\*   4121 warming    0\.4s   warm-up 40%, 1235 methods/s +50%  87 MB    0$", lines[4]);
        Assert.Matches(@"^   2    4122 cold       0\.4s   12/1000", lines[5]);
    }

    [Fact]
    public void Colours_change_no_letter()
    {
        var plain = TopScreen.Draw(Model(workers: 2), 80, 24, coloured: false);
        var coloured = TopScreen.Draw(Model(workers: 2), 80, 24, coloured: true);

        Assert.Contains(coloured, static line => line.Contains("\e[32mserving", StringComparison.Ordinal));
        Assert.Equal(plain.Select(static line => line), coloured.Select(static line => Regex.Replace(line, "\e\\[[0-9]+m", "")));
    }

    [Fact]
    public void What_takes_a_worker_away_is_asked_first()
    {
        var model = Model(workers: 2).Press(Key(ConsoleKey.DownArrow)).Model;

        var (asked, nothing) = model.Press(Key('r'));
        Assert.Null(nothing);
        Assert.Equal("restart worker 2? y to confirm, any other key to cancel", asked.Message);
        Assert.Equal(new ControlRequest { Command = "restart", Worker = 2 }, asked.Press(Key('y')).Request);
        Assert.Null(asked.Press(Key('q')).Request);
        Assert.False(asked.Press(Key('q')).Model.IsLeaving);
        Assert.Equal(new ControlRequest { Command = "scale", Workers = 3 }, model.Press(Key('+')).Request);
        Assert.Equal(new ControlRequest { Command = "scale", Workers = 1 }, model.Press(Key('-')).Request);
        Assert.True(model.Press(Key('q')).Model.IsLeaving);
    }

    [Fact]
    public void The_last_worker_is_not_scaled_away() => Assert.Null(Model(workers: 1).Press(Key('-')).Request);

    private static TopModel Model(int workers, Func<WorkerStatus, WorkerStatus>? change = null)
    {
        LogLine[] events = [new() { Sequence = 1, At = default, Worker = 1, Pid = null, Stream = null, Level = "error", Id = 201, Event = "WorkerDied", Text = "a line with \e and \u202e in it" }];
        return new TopModel().Look(Figures(workers, at: 1, requests: 0, cpu: 1.9, change), events).Look(Figures(workers, at: 3, requests: 20, cpu: 2.9, change), []);
    }

    private static Figures Figures(int workers, double at, long requests, double cpu, Func<WorkerStatus, WorkerStatus>? change)
    {
        var buckets = new long[62];
        buckets[2] = requests;
        return new Figures
        {
            At = at,
            Status = SampleStatus.Document with
            {
                WorkersTarget = workers,
                Workers = [.. Enumerable.Range(1, workers).Select(index => SampleStatus.Worker(index) with { CpuSeconds = cpu }).Select(change ?? (static worker => worker))],
            },
            Requests = [new WorkerRequests(1, requests, requests / 5, requests * 150_000, buckets)],
        };
    }

    private static ConsoleKeyInfo Key(char letter) => new(letter, default, shift: false, alt: false, control: false);

    private static ConsoleKeyInfo Key(ConsoleKey key) => new('\0', key, shift: false, alt: false, control: false);
}
