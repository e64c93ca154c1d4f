using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;
using KestrelGreenTransport.Requests;
using KestrelGreenTransport.Worker;
using Microsoft.Extensions.Time.Testing;

namespace KestrelGreenTransport.Tests.Worker;

public sealed class BoardSiblingsTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly TransportState _transport = new();
    private readonly BoardSiblings _siblings;

    public BoardSiblingsTests()
    {
        _siblings = Siblings(null);
        _time.Advance(TimeSpan.FromHours(1));
    }

    private string Path => _folder.File("board");

    public void Dispose()
    {
        _siblings.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Those_that_serve_are_counted_and_not_oneself()
    {
        Write(1, connections: 10);
        Write(2, connections: 1000);
        Write(3, connections: 5);
        Write(4, connections: 7, state: WorkerState.Draining);
        Write(5, connections: 0, state: WorkerState.Booting);
        Assert.Equal(new SiblingFigures(2, 15, 5), _siblings.Look());
    }

    [Fact]
    public void What_a_sibling_that_starts_slowly_leaves_to_the_others_counts_as_held_by_it()
    {
        Write(1, connections: 10);
        Write(3, connections: 5, ballast: 7);
        Assert.Equal(new SiblingFigures(2, 22, 10), _siblings.Look());
    }

    [Fact]
    public void One_that_has_just_begun_to_serve_leaves_most_of_its_share_to_busy_siblings_for_a_while()
    {
        var life = new WorkerLife(isOpen: false);
        life.Start();
        using var siblings = Siblings(life);
        siblings.StartSlowly(TimeSpan.FromSeconds(10));
        Look(siblings, 0);
        Assert.Equal((0, 0), (siblings.Held, siblings.Ballast));

        // Now it is serving: it starts with a quarter of the mean sibling's connections, and its share grows.
        life.Open();
        _time.Advance(FairShare.Tick);
        Look(siblings, 30);
        Assert.Equal((30, 30), (siblings.Held, siblings.Ballast));
        _time.Advance(TimeSpan.FromSeconds(5));
        Look(siblings, 15);
        Assert.Equal(15, siblings.Ballast);
        _time.Advance(TimeSpan.FromSeconds(5));
        Look(siblings, 0);
        Assert.Equal((0, 0), (siblings.Held, siblings.Ballast));

        void Look(BoardSiblings one, long ballast)
        {
            Write(1, connections: 50, requests: 100_000);
            Write(3, connections: 30, requests: 100_000);
            one.Look();
            Assert.Equal(ballast, one.Held);
        }
    }

    [Fact]
    public void One_that_served_alone_is_not_new_when_a_sibling_comes()
    {
        using var siblings = Siblings(new WorkerLife(), isServing: true);
        siblings.StartSlowly(TimeSpan.FromSeconds(10));
        siblings.Look();
        _time.Advance(TimeSpan.FromSeconds(10));
        Write(1, connections: 50, requests: 100_000);
        siblings.Look();
        Assert.Equal(0, siblings.Ballast);
    }

    [Fact]
    public void Where_siblings_have_hardly_answered_anything_or_there_are_none_it_takes_its_whole_share()
    {
        using var siblings = Siblings(new WorkerLife(), isServing: true);
        siblings.StartSlowly(TimeSpan.FromSeconds(10));
        siblings.Look();
        Assert.Equal(0, siblings.Ballast);
        _time.Advance(FairShare.Tick);
        Write(1, connections: 50, requests: 999);
        siblings.Look();
        Assert.Equal(0, siblings.Ballast);
    }

    [Fact]
    public void One_that_has_not_written_for_two_intervals_is_left_out()
    {
        Write(1, connections: 10);
        Write(3, connections: 5);
        _time.Advance(2 * Interval);
        Write(3, connections: 6);
        Assert.Equal(new SiblingFigures(2, 16, 6), _siblings.Look());
        _time.Advance(FairShare.Tick);
        Assert.Equal(new SiblingFigures(1, 6, 6), _siblings.Look());
    }

    [Fact]
    public void One_that_claims_to_have_written_in_the_future_is_left_out()
    {
        Write(1, connections: 10);
        Write(3, connections: 5, later: TimeSpan.FromHours(1));
        Assert.Equal(new SiblingFigures(1, 10, 10), _siblings.Look());
    }

    [Fact]
    public void The_board_is_read_once_a_tick()
    {
        Write(1, connections: 10);
        Assert.Equal(10, _siblings.Look().Connections);
        Write(1, connections: 11);
        _time.Advance(FairShare.Tick - TimeSpan.FromTicks(1));
        Assert.Equal(10, _siblings.Look().Connections);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(11, _siblings.Look().Connections);
    }

    [Fact]
    public void One_that_died_is_left_out_at_once_until_another_has_its_place()
    {
        Write(1, connections: 10, pid: 100);
        var heard = 0;
        _siblings.Died += () => heard++;
        Assert.Equal(1, _siblings.Look().Count);

        _siblings.OnDied(1);
        Assert.Equal((default, 1), (_siblings.Look(), heard));
        Write(1, connections: 3, pid: 101);
        _time.Advance(FairShare.Tick);
        Assert.Equal(new SiblingFigures(1, 3, 3), _siblings.Look());
    }

    [Fact]
    public void A_family_of_any_size_is_seen()
    {
        for (var index = 1; index <= 300; index++)
        {
            Write(index, connections: 1);
        }

        // Found out by reading, not told: the picture grows from tick to tick.
        for (var tick = 0; tick < 4; tick++)
        {
            _ = _siblings.Look();
            _time.Advance(FairShare.Tick);
        }

        Assert.Equal(new SiblingFigures(299, 299, 1), _siblings.Look());
    }

    [Fact]
    public void Without_a_board_there_is_nobody()
    {
        Assert.Equal(default, _siblings.Look());
        Write(1, connections: 10);
        _time.Advance(FairShare.Tick);
        Assert.Equal(1, _siblings.Look().Count);
    }

    [Fact]
    public void Ones_own_connections_are_those_of_all_listeners()
    {
        foreach (var endpoint in new[] { "a", "b" })
        {
            var pool = new ConnectionPool(endpoint, 5);
            _transport.Add(pool);
            Assert.True(pool.TryTake(out var slot));
            slot.Hold();
        }

        Assert.Equal(2, _siblings.Held);
    }

    private BoardSiblings Siblings(WorkerLife? life, bool isServing = false)
    {
        if (isServing)
        {
            life?.Start();
        }

        return new BoardSiblings(
            new WorkerContract { Index = 2, Generation = 1, Listeners = [], HeartbeatInterval = Interval, BoardFile = Path },
            _transport, new RequestFigures(_time), _time, life);
    }

    private void Write(
        int index, long connections, WorkerState state = WorkerState.Serving, int pid = 1, TimeSpan later = default, long ballast = 0, long requests = 0)
    {
        using var board = new BoardFile(Path, index, new ListLogger());
        board.Check();
        Assert.True(board.Write(new BoardRecord
        {
            WrittenAt = _time.Nanoseconds() + later.ToNanoseconds(),
            Pid = pid,
            State = state,
            Connections = connections,
            Ballast = ballast,
            Requests = requests,
            CpuNanoseconds = requests * 20_000,
        }));
    }
}
