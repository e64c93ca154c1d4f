using System.Globalization;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public class OutputWriterTests
{
    [Fact]
    public void When_nobody_reads_writing_does_not_wait_and_what_was_dropped_is_counted()
    {
        var (read, write) = Descriptor.Pipe();
        var line = new byte[1000];
        line.AsSpan().Fill((byte)'x');
        line[^1] = (byte)'\n';
        using (read)
        using (write)
        using (var writer = new OutputWriter(static text => $"[green] {text}", write.Number, write.Number))
        {
            for (var i = 0; i < 10_000; i++)
            {
                writer.Write(OutputStream.Out, line);
            }

            Assert.False(writer.Flush(TimeSpan.Zero));
            var text = new StringBuilder();
            ReadUntil(read, text, () => writer.Flush(TimeSpan.Zero));
            writer.Write(OutputStream.Out, "the next one");
            ReadUntil(read, text, () => text.ToString().EndsWith("the next one\n", StringComparison.Ordinal));

            var lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

            // Twice if the queue was full before the pipe was: the first batch written to the pipe made room for a moment.
            var dropped = lines.Where(static one => one.Contains(" dropped", StringComparison.Ordinal))
                .Select(static one => int.Parse(one.Split(' ')[1], CultureInfo.InvariantCulture)).ToList();
            Assert.InRange(dropped.Count, 1, 2);
            Assert.Equal(10_000, lines.Count(static one => one[0] == 'x') + dropped.Sum());
        }
    }

    [Fact]
    public void When_the_reader_has_gone_lines_are_let_go_and_the_writer_lives_on()
    {
        var (read, write) = Descriptor.Pipe();
        read.Dispose();
        using (write)
        using (var writer = new OutputWriter(static text => $"[green] {text}", write.Number, write.Number))
        {
            writer.Write(OutputStream.Out, "nobody hears this");

            Assert.True(writer.Flush(TimeSpan.FromSeconds(60)));
        }
    }

    private static unsafe void ReadUntil(Descriptor pipe, StringBuilder text, Func<bool> enough)
    {
        var buffer = stackalloc byte[65536];
        while (true)
        {
            var poll = new Libc.PollFd { fd = pipe.Number, events = Libc.POLLIN };
            if (Libc.poll(&poll, 1, 10) == 1)
            {
                text.Append(Encoding.UTF8.GetString(buffer, (int)Libc.read(pipe.Number, buffer, 65536)));
            }
            else if (enough())
            {
                return;
            }
        }
    }
}
