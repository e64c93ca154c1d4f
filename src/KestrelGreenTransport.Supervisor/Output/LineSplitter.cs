using System.Buffers;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>Splits a stream of bytes into lines.</summary>
internal sealed class LineSplitter
{
    /// <summary>A line longer than this is passed on in pieces.</summary>
    public const int LongestLine = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _rest = new();

    /// <summary>Takes bytes and passes on each line that they complete, without its line ending.</summary>
    public void Append(ReadOnlySpan<byte> bytes, Action<ReadOnlyMemory<byte>> line)
    {
        while (bytes.Length > 0)
        {
            var end = bytes.IndexOf((byte)'\n');
            var room = LongestLine - _rest.WrittenCount;
            if (end < 0 || end > room)
            {
                var taken = Math.Min(bytes.Length, room);
                _rest.Write(bytes[..taken]);
                bytes = bytes[taken..];
                if (_rest.WrittenCount == LongestLine)
                {
                    HandOut(line);
                }

                continue;
            }

            _rest.Write(bytes[..end]);
            bytes = bytes[(end + 1)..];
            HandOut(line);
        }
    }

    /// <summary>The stream has ended: passes on the rest even without a line ending.</summary>
    public void Complete(Action<ReadOnlyMemory<byte>> line)
    {
        if (_rest.WrittenCount > 0)
        {
            HandOut(line);
        }
    }

    private void HandOut(Action<ReadOnlyMemory<byte>> line)
    {
        var whole = _rest.WrittenMemory;
        line(whole.Span is [.., (byte)'\r'] ? whole[..^1] : whole);
        _rest.ResetWrittenCount();
    }
}
