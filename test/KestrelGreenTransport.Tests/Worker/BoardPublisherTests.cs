using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Worker;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Worker;

public sealed class BoardPublisherTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly TransportState _transport = new();
    private readonly FakePool _pool = new() { Slots = 1000 };
    private readonly WorkerLife _life = new();
    private readonly RequestFigures _requests;
    private readonly FullBeat _beat;
    private readonly BoardPublisher _publisher;
    private int _wakes;

    public BoardPublisherTests()
    {
        _transport.Add(_pool);
        _transport.Add(new FakePool { Held = 1, Slots = 10, Accepted = 5 });
        var activity = new BoardActivity(() => _wakes++);
        _requests = new RequestFigures(_time) { Activity = activity };
        _beat = new FullBeat(_transport, _time, static () => { }, new FakeThreadPool().Queue);
        _publisher = new BoardPublisher(
            new BoardFile(Path, 3, new ListLogger()), activity, _life, _transport, _requests, _beat, 77, Interval);
        _publisher.Check();
    }

    private string Path => _folder.File("board");

    public void Dispose()
    {
        _publisher.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_record_shows_what_the_worker_does()
    {
        _life.Start();
        _pool.Held = 7;
        _pool.Accepted = 20;
        _requests.Begin();
        var oldest = _time.Nanoseconds();
        _time.Advance(Interval);
        _requests.End(_requests.Begin());
        _beat.Begin();
        Update();

        var read = Read();
        Assert.True(read is { CpuNanoseconds: > 0, CompiledMethods: > 0 }, $"{read}");
        Assert.Equal(
            new BoardRecord
            {
                WrittenAt = _time.Nanoseconds(),
                CpuNanoseconds = read.CpuNanoseconds,
                CompiledMethods = read.CompiledMethods,
                Pid = 77,
                State = WorkerState.Serving,
                Connections = 8,
                Slots = 1010,
                Accepted = 25,
                Requests = 2,
                RequestsInFlight = 1,
                OldestRequestAt = oldest,
                LoopPassAt = 0,
                ThreadPoolPassAt = _time.Nanoseconds(),
            },
            read);
    }

    [Fact]
    public void A_change_is_written_within_a_tick()
    {
        Update();
        _pool.Held = 1;
        Update();
        Assert.Equal(_time.Nanoseconds() + BoardFile.Tick.ToNanoseconds(), _publisher.NextAt);
        _pool.Held = 2;
        _time.Advance(BoardFile.Tick);
        Update();
        Assert.Equal(3, Read().Connections);
    }

    [Fact]
    public void Without_a_change_it_is_written_once_an_interval()
    {
        var written = RestingSince();
        var due = TimeSpan.FromTicks((_publisher.NextAt - _time.Nanoseconds()) / TimeSpan.NanosecondsPerTick);
        _time.Advance(due - TimeSpan.FromMilliseconds(1));
        Update();
        Assert.Equal(written, Read().WrittenAt);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Update();
        Assert.Equal(_time.Nanoseconds(), Read().WrittenAt);
    }

    [Fact]
    public void While_it_rests_a_request_wakes_it_once()
    {
        RestingSince();
        var slot = _requests.Begin();
        Assert.Equal(1, _wakes);
        _requests.End(slot);
        Assert.Equal(1, _wakes);

        Update();
        _requests.End(_requests.Begin());
        Assert.Equal(1, _wakes);
        Assert.Equal(_time.Nanoseconds() + BoardFile.Tick.ToNanoseconds(), _publisher.NextAt);
    }

    [Fact]
    public void A_beat_alone_does_not_keep_it_awake()
    {
        RestingSince();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _beat.Begin();
        Update();
        Assert.Equal(_time.Nanoseconds(), Read().ThreadPoolPassAt);
        Assert.Equal(_time.Nanoseconds() + Interval.ToNanoseconds(), _publisher.NextAt);
    }

    /// <summary>Updates it until it has gone to rest; says when the record was written last.</summary>
    private long RestingSince()
    {
        Update();
        for (var updates = 0; updates < 20; updates++)
        {
            _time.Advance(BoardFile.Tick);
            Update();
        }

        var written = Read().WrittenAt;
        Assert.Equal(written + Interval.ToNanoseconds(), _publisher.NextAt);
        return written;
    }

    private void Update() => _publisher.Update(_time.Nanoseconds());

    private BoardRecord Read()
    {
        using var file = File.OpenHandle(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var board = new BoardFileReader(file);
        board.Refresh(3);
        Assert.True(board.TryGet(3, out var record));
        return record;
    }
}
