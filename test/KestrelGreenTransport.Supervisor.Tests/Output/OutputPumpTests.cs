using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public class OutputPumpTests
{
    [Fact]
    public void Every_line_that_was_written_before_the_end_comes_out_whole_and_named()
    {
        const int Lines = 3000;
        var journal = new Journal(TimeProvider.System);
        var (read, write) = Descriptor.Pipe();
        var written = new CollectingWriter();
        using (var pump = new OutputPump(written, LogFormat.Of(SupervisorLogFormat.Text), journal, TimeProvider.System))
        {
            pump.Add(7, 4127, OutputStream.Out, read);
            for (var i = 0; i < Lines; i++)
            {
                Write(write, $"line {i}\n");
            }

            Write(write, "no end");

            // The write end stays open, as if a grandchild held it: what was written must still come out.
        }

        Assert.Equal([.. Enumerable.Range(0, Lines).Select(i => $"[worker 7] line {i}"), "[worker 7] no end"], written.Lines);
        Assert.Equal("no end", journal.Of(7)[^1]);
        write.Dispose();
    }

    private static unsafe void Write(Descriptor pipe, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            Assert.Equal(bytes.Length, Libc.write(pipe.Number, start, (nuint)bytes.Length));
        }
    }

    private sealed class CollectingWriter : ILineWriter
    {
        public List<string> Lines { get; } = [];

        public void Write(OutputStream stream, ReadOnlyMemory<byte> line) => Lines.Add(Encoding.UTF8.GetString(line.Span).TrimEnd('\n'));
    }
}
