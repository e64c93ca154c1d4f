using System.Text;
using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public class LineSplitterTests
{
    [Fact]
    public void However_the_bytes_are_cut_the_same_lines_come_out()
    {
        Prop.ForAll<NonNull<string>[], PositiveInt>((texts, size) =>
        {
            var lines = texts.Select(text => text.Get.Replace("\n", "", StringComparison.Ordinal).Replace("\r", "", StringComparison.Ordinal)).ToArray();
            var bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
            return Split(bytes.Chunk(size.Get)).SequenceEqual(lines.Select(line => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(line))));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_last_line_without_an_end_is_a_line_too() =>
        Assert.Equal(["one", "two"], Split(["one\r\ntw"u8.ToArray(), "o"u8.ToArray()]));

    [Fact]
    public void A_line_without_an_end_in_sight_is_passed_on_in_pieces()
    {
        var pieces = Split([new byte[(LineSplitter.LongestLine * 2) + 5]]);

        Assert.Equal([LineSplitter.LongestLine, LineSplitter.LongestLine, 5], pieces.Select(piece => piece.Length));
    }

    private static List<string> Split(IEnumerable<byte[]> chunks)
    {
        var lines = new List<string>();
        var splitter = new LineSplitter();
        foreach (var chunk in chunks)
        {
            splitter.Append(chunk, line => lines.Add(Encoding.UTF8.GetString(line.Span)));
        }

        splitter.Complete(line => lines.Add(Encoding.UTF8.GetString(line.Span)));
        return lines;
    }
}
