using System.Globalization;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>Where a line goes.</summary>
internal enum OutputStream
{
    Out = 1,
    Error = 2,

    /// <summary>A worker's access log: its lines go to standard output unchanged.</summary>
    Access = 3,
}

/// <summary>
/// The only way to standard output and standard error. Writing a line never blocks: up to 4 MiB of lines are queued for a
/// thread of their own. If the reader of our output is too slow, further lines are dropped and counted.
/// </summary>
internal sealed class OutputWriter : ILineWriter, IDisposable
{
    private const int Capacity = 4 * 1024 * 1024;
    private const int BatchSize = 64 * 1024;

    private readonly Func<string, string> _note;
    private readonly Lock _gate = new();
    private readonly Queue<(OutputStream Stream, ReadOnlyMemory<byte> Line)> _lines = [];
    private readonly ManualResetEventSlim _queued = new();
    private readonly ManualResetEventSlim _idle = new(initialState: true);
    private readonly Thread _thread;
    private readonly int[] _descriptors;
    private readonly LogFile? _file;
    private readonly bool[] _broken = new bool[4];
    private readonly bool[] _terminal;
    private long _bytes;
    private long _dropped;
    private bool _closing;
    private bool _reopening;

    /// <param name="note">Formats a line of the writer's own.</param>
    /// <param name="outNumber">The descriptor of standard output.</param>
    /// <param name="errorNumber">The descriptor of standard error.</param>
    /// <param name="file">Replaces both streams. This writer owns it from now on.</param>
    public OutputWriter(Func<string, string> note, int outNumber = 1, int errorNumber = 2, LogFile? file = null)
    {
        _note = note;
        _file = file;
        _descriptors = file is null ? [-1, outNumber, errorNumber, outNumber] : [-1, file.Number, file.Number, file.Number];
        _terminal = [.. _descriptors.Select(static number => number >= 0 && Posix.isatty(number) == 1)];
        _thread = new Thread(Run) { IsBackground = true, Name = "green-output" };
        _thread.Start();
    }

    /// <summary>Queues a line, given without its line ending.</summary>
    public void Write(OutputStream stream, string line) => Write(stream, Encoding.UTF8.GetBytes(line + "\n"));

    /// <inheritdoc/>
    public void Write(OutputStream stream, ReadOnlyMemory<byte> line)
    {
        if (_terminal[(int)stream])
        {
            line = TerminalText.OfLine(line);
        }

        lock (_gate)
        {
            if (_bytes + line.Length > Capacity)
            {
                _dropped++;
                return;
            }

            if (_dropped > 0)
            {
                var note = _note(string.Create(CultureInfo.InvariantCulture, $"{_dropped} {(_dropped == 1 ? "line" : "lines")} dropped: the reader of this output was too slow"));
                _dropped = 0;
                Enqueue(OutputStream.Error, Encoding.UTF8.GetBytes(note + "\n"));
            }

            Enqueue(stream, line);
        }
    }

    /// <summary>Has the log file reopened, if there is one; lines queued before this call may go to either file.</summary>
    public void Reopen()
    {
        lock (_gate)
        {
            _reopening = true;
            _idle.Reset();
            _queued.Set();
        }
    }

    /// <summary>Waits until everything queued so far is written, or the limit has passed; returns whether it is written.</summary>
    public bool Flush(TimeSpan limit) => _idle.Wait(limit);

    public void Dispose()
    {
        lock (_gate)
        {
            _closing = true;
            _queued.Set();
        }

        // A reader that never reads must not keep us from exiting: the thread is a background thread.
        if (_thread.Join(TimeSpan.FromSeconds(2)))
        {
            _queued.Dispose();
            _idle.Dispose();
            _file?.Dispose();
        }
    }

    private void Enqueue(OutputStream stream, ReadOnlyMemory<byte> line)
    {
        _lines.Enqueue((stream, line));
        _bytes += line.Length;
        _idle.Reset();
        _queued.Set();
    }

    private void Run()
    {
        var batch = new byte[BatchSize];
        while (true)
        {
            _queued.Wait();
            int length;
            OutputStream stream;
            ReadOnlyMemory<byte>? large = null;

            // Not under the lock: the disk may hang, and no thread that writes a line may wait for it.
            if (TakeReopening() && _file?.Reopen() is { } problem)
            {
                Write(OutputStream.Error, _note(problem));
            }

            lock (_gate)
            {
                if (_lines.Count == 0)
                {
                    if (_reopening)
                    {
                        continue;
                    }

                    _idle.Set();
                    if (_closing)
                    {
                        return;
                    }

                    _queued.Reset();
                    continue;
                }

                stream = _lines.Peek().Stream;
                length = 0;
                while (_lines.TryPeek(out var next) && next.Stream == stream && length + next.Line.Length <= BatchSize)
                {
                    next.Line.Span.CopyTo(batch.AsSpan(length));
                    length += next.Line.Length;
                    _lines.Dequeue();
                }

                if (length == 0)
                {
                    large = _lines.Dequeue().Line;
                    length = large.Value.Length;
                }

                _bytes -= length;
            }

            WriteAll(stream, (large ?? batch).Span[..length]);
        }
    }

    private bool TakeReopening()
    {
        lock (_gate)
        {
            var isTaken = _reopening;
            _reopening = false;
            return isTaken;
        }
    }

    private unsafe void WriteAll(OutputStream stream, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (var written = 0; written < bytes.Length && !_broken[(int)stream];)
            {
                var result = Result.From(Libc.write(_descriptors[(int)stream], start + written, (nuint)(bytes.Length - written)));
                if (result.Ok)
                {
                    written += (int)result.Value;
                }
                else if (result.Error == Errno.EAGAIN)
                {
                    // Another process made our output non-blocking; this thread may wait for it.
                    var poll = new Libc.PollFd { fd = _descriptors[(int)stream], events = Libc.POLLOUT };
                    _ = Libc.poll(&poll, 1, -1);
                }
                else if (result.Error != Errno.EINTR)
                {
                    // EPIPE, EBADF: the stream is given up. Other errors, such as EIO, lose only this batch.
                    _broken[(int)stream] = result.Error is Errno.EPIPE or Errno.EBADF;
                    return;
                }
            }
        }
    }
}
