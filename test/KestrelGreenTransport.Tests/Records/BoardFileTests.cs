using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;

namespace KestrelGreenTransport.Tests.Records;

public sealed class BoardFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ListLogger _log = new();

    private string Path => _folder.File("board");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void One_look_shows_every_sibling()
    {
        using var first = Writer(1);
        using var third = Writer(3);
        Assert.True(third.Write(Record(300)));
        Assert.True(first.Write(Record(100)));

        using var file = File.OpenHandle(Path);
        var board = new BoardFileReader(file);
        Assert.True(board.Refresh(5).Ok);
        Assert.True(board.TryGet(1, out var one));
        Assert.True(board.TryGet(3, out var three));
        Assert.Equal(Record(100), one);
        Assert.Equal(Record(300), three);
        Assert.False(board.TryGet(2, out _));
        Assert.False(board.TryGet(0, out _));
        Assert.False(board.TryGet(5, out _));
        Assert.False(board.TryGet(-1, out _));
    }

    [Fact]
    public void A_truncated_board_shows_what_is_left_of_it()
    {
        using var first = Writer(1);
        using var second = Writer(2);
        first.Write(Record(100));
        second.Write(Record(200));
        using (var cut = File.OpenWrite(Path))
        {
            cut.SetLength((2 * BoardRecord.Size) + 60);
        }

        using var file = File.OpenHandle(Path);
        var board = new BoardFileReader(file);
        board.Refresh(2);
        Assert.True(board.TryGet(1, out _));
        Assert.False(board.TryGet(2, out _));
    }

    [Fact]
    public void A_full_disk_is_reported_once_and_throws_nothing()
    {
        using var board = new BoardFile("/dev/full", 1, _log);
        board.Check();
        Assert.False(board.Write(Record(1)));
        Assert.False(board.Write(Record(2)));
        Assert.Equal([101], _log.Ids);
    }

    [Fact]
    public void Any_bytes_on_the_board_are_read_without_a_crash() => Check.QuickThrowOnFailure(Prop.ForAll<byte[], int>((bytes, index) =>
    {
        File.WriteAllBytes(Path, bytes);
        using var file = File.OpenHandle(Path);
        var board = new BoardFileReader(file);
        board.Refresh(3);
        return !board.TryGet(index, out _) || Enum.IsDefined(Get(board, index).State);
    }));

    [Fact]
    public void Any_bytes_are_read_as_a_record_or_refused() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.GeneratorFor<byte>().ArrayOf(BoardRecord.Size).ToArbitrary(),
        bytes => !BoardRecord.TryRead(bytes, out var record) || Enum.IsDefined(record.State)));

    private static BoardRecord Get(BoardFileReader board, int index) => board.TryGet(index, out var record) ? record : default;

    private static BoardRecord Record(long seed) => new()
    {
        WrittenAt = seed,
        Pid = 77,
        State = WorkerState.Serving,
        Connections = seed + 1,
        Slots = seed + 2,
        Accepted = seed + 3,
        Requests = seed + 4,
        RequestsInFlight = seed + 5,
        OldestRequestAt = seed + 6,
        LoopPassAt = seed + 7,
        ThreadPoolPassAt = seed + 8,
    };

    private BoardFile Writer(int index)
    {
        var board = new BoardFile(Path, index, _log);
        board.Check();
        return board;
    }
}
