using System.Collections.Concurrent;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>
/// Reads what the workers write and passes it on in whole lines, each marked with its worker. It has its own
/// thread: no worker waits for the supervisor, and the supervisor does not wait for a chatty worker.
/// </summary>
internal sealed class OutputPump : IDisposable
{
    private readonly ILineWriter _writer;
    private readonly Journal _journal;
    private readonly LogFormat _format;
    private readonly TimeProvider _time;
    private readonly WakeEvent _wake = new();
    private readonly ConcurrentQueue<Source> _added = new();
    private readonly List<Source> _sources = [];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly Thread _thread;
    private volatile bool _stopping;

    public OutputPump(ILineWriter writer, LogFormat format, Journal journal, TimeProvider time)
    {
        _writer = writer;
        _format = format;
        _journal = journal;
        _time = time;
        _thread = new Thread(Run) { IsBackground = true, Name = "green-pump" };
        _thread.Start();
    }

    /// <summary>Takes over the read end of a worker's pipe until every process that holds its write end has closed it.</summary>
    public void Add(int index, int pid, OutputStream stream, Descriptor pipe)
    {
        if (stream == OutputStream.Out)
        {
            _journal.Begin(index, pid);
        }

        _added.Enqueue(new Source(index, pid, stream, pipe));
        _wake.Set();
    }

    /// <summary>Passes on what the pipes still hold, then stops.</summary>
    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();
    }

    private unsafe void Run()
    {
        while (!_stopping)
        {
            while (_added.TryDequeue(out var source))
            {
                _sources.Add(source);
            }

            var polled = new Libc.PollFd[_sources.Count + 1];
            polled[0] = new Libc.PollFd { fd = _wake.Number, events = Libc.POLLIN };
            for (var i = 0; i < _sources.Count; i++)
            {
                polled[i + 1] = new Libc.PollFd { fd = _sources[i].Pipe.Number, events = Libc.POLLIN };
            }

            fixed (Libc.PollFd* first = polled)
            {
                _ = Libc.poll(first, (nuint)polled.Length, -1);
            }

            _wake.Reset();
            for (var i = _sources.Count - 1; i >= 0; i--)
            {
                // One buffer per turn, so that a chatty worker does not hold up the others.
                if (polled[i + 1].revents != 0 && !ReadOnce(_sources[i]))
                {
                    _sources.RemoveAt(i);
                }
            }
        }

        while (_added.TryDequeue(out var source))
        {
            _sources.Add(source);
        }

        foreach (var source in _sources)
        {
            DrainWhatIsThere(source);
        }
    }

    private unsafe void DrainWhatIsThere(Source source)
    {
        while (true)
        {
            var poll = new Libc.PollFd { fd = source.Pipe.Number, events = Libc.POLLIN };
            if (Libc.poll(&poll, 1, 0) <= 0)
            {
                // A grandchild holds the write end and is silent: what it writes later is lost.
                End(source);
                return;
            }

            if (!ReadOnce(source))
            {
                return;
            }
        }
    }

    /// <summary>Reads one buffer; false when the stream has ended.</summary>
    private unsafe bool ReadOnce(Source source)
    {
        Result read;
        fixed (byte* start = _buffer)
        {
            read = Result.From(Libc.read(source.Pipe.Number, start, (nuint)_buffer.Length));
        }

        if (read.Error is Errno.EAGAIN or Errno.EINTR)
        {
            return true;
        }

        if (!read.Ok || read.Value == 0)
        {
            End(source);
            return false;
        }

        source.Lines.Append(_buffer.AsSpan(0, (int)read.Value), line => PassOn(source, line.Span));
        return true;
    }

    private void End(Source source)
    {
        source.Lines.Complete(line => PassOn(source, line.Span));
        source.Pipe.Dispose();
    }

    private void PassOn(Source source, ReadOnlySpan<byte> line)
    {
        // Access log lines, of which clients cause many, must not displace the worker's own output.
        if (source.Stream != OutputStream.Access)
        {
            _journal.AddLine(source.Index, source.Pid, source.Stream, Encoding.UTF8.GetString(line));
        }

        _writer.Write(source.Stream, _format.OfWorker(_time.GetUtcNow(), source.Index, source.Stream, line));
    }

    private sealed class Source(int index, int pid, OutputStream stream, Descriptor pipe)
    {
        public int Index { get; } = index;

        public int Pid { get; } = pid;

        public OutputStream Stream { get; } = stream;

        public Descriptor Pipe { get; } = pipe;

        public LineSplitter Lines { get; } = new();
    }
}
