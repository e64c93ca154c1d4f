using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Worker;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Worker;

public sealed class HeartbeatWriterTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly FakeThreadPool _pool = new();
    private readonly WorkerLife _life = new();
    private readonly HeartbeatWriter _writer;

    public HeartbeatWriterTests()
    {
        File.WriteAllBytes(Path, []);
        var beat = new FullBeat(new TransportState(), _time, static () => { }, _pool.Queue);
        _writer = new HeartbeatWriter(beat, new HeartbeatFile(Path, 77, 3, 1, new ListLogger()), _life, Interval);
        _writer.Check();
    }

    private string Path => _folder.File("worker-3.beat");

    public void Dispose()
    {
        _writer.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void There_is_no_beat_before_the_host_really_runs()
    {
        _writer.Update(_time.Nanoseconds());
        Assert.Equal(long.MaxValue, _writer.NextAt);
        Assert.Equal(HeartbeatOutcome.None, Read().Outcome);
    }

    [Fact]
    public void A_beat_that_the_file_does_not_take_is_told_another_way()
    {
        var told = new List<(WorkerState, long)>();
        var beat = new FullBeat(new TransportState(), _time, static () => { }, _pool.Queue);
        using var writer = new HeartbeatWriter(beat, new HeartbeatFile("/dev/full", 77, 3, 1, new ListLogger()), _life, Interval, (state, at) => told.Add((state, at)));
        writer.Check();
        _life.Start();
        writer.Update(_time.Nanoseconds());
        Assert.Equal([(WorkerState.Serving, _time.Nanoseconds())], told);
    }

    [Fact]
    public void A_host_stopped_while_it_boots_never_beats()
    {
        _life.Leave();
        _writer.Update(_time.Nanoseconds());
        Assert.Equal(HeartbeatOutcome.None, Read().Outcome);
    }

    [Fact]
    public void Every_interval_brings_a_beat_with_the_time_at_which_it_passed()
    {
        _life.Start();
        for (var beats = 1; beats <= 3; beats++)
        {
            _writer.Update(_time.Nanoseconds());
            Assert.Equal((beats, _time.Nanoseconds(), WorkerState.Serving), Facts());
            Assert.Equal(_time.Nanoseconds() + Interval.ToNanoseconds(), _writer.NextAt);
            _time.Advance(Interval);
        }
    }

    [Fact]
    public void An_update_before_the_interval_is_over_brings_none()
    {
        _life.Start();
        _writer.Update(_time.Nanoseconds());
        _time.Advance(Interval - TimeSpan.FromMilliseconds(1));
        _writer.Update(_time.Nanoseconds());
        Assert.Equal(1, Read().Beat.Beats);
    }

    [Fact]
    public void A_new_state_is_told_by_a_beat_at_once()
    {
        _life.Start();
        _writer.Update(_time.Nanoseconds());
        _life.Leave();
        _writer.Update(_time.Nanoseconds());
        Assert.Equal((2, _time.Nanoseconds(), WorkerState.Draining), Facts());
    }

    [Fact]
    public void A_starved_worker_writes_nothing_until_it_works_again()
    {
        _life.Start();
        _writer.Update(_time.Nanoseconds());
        var last = Facts();

        _pool.Runs = false;
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(Interval);
            _writer.Update(_time.Nanoseconds());
            Assert.Equal(last, Facts());
        }

        _pool.RunAll();
        _writer.Update(_time.Nanoseconds());
        Assert.Equal((2, _time.Nanoseconds(), WorkerState.Serving), Facts());
    }

    [Fact]
    public void A_wall_clock_that_jumps_changes_nothing()
    {
        _life.Start();
        _writer.Update(_time.Nanoseconds());
        var next = _writer.NextAt;
        _time.AdjustTime(_time.GetUtcNow() - TimeSpan.FromDays(365));
        _writer.Update(_time.Nanoseconds());
        Assert.Equal(next, _writer.NextAt);
        Assert.Equal(1, Read().Beat.Beats);
    }

    private (long Beats, long At, WorkerState State) Facts()
    {
        var beat = Read().Beat;
        return (beat.Beats, beat.MonotonicNanoseconds, beat.State);
    }

    private HeartbeatReading Read()
    {
        using var file = File.OpenHandle(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return HeartbeatFileReader.Read(file);
    }
}
