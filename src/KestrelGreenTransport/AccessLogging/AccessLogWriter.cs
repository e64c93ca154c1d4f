using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.AccessLogging;

/// <summary>
/// Takes lines from the threads that answer requests, and writes them on its own thread: a slow disk delays no response. Up
/// to 4 MiB wait; lines beyond that are dropped and counted.
/// </summary>
internal sealed class AccessLogWriter : IDisposable
{
    /// <summary>The most bytes that wait to be written.</summary>
    public const int Capacity = 4 * 1024 * 1024;

    private const int FirstCapacity = 64 * 1024;

    // Thousands of requests a second become a few dozen writes, and someone who follows the file notices no delay.
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(20);

    // A pipe that is not read must not keep the process alive: the thread is a background thread.
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(2);

    private readonly AccessLogTarget _target;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _wanted = new();
    private readonly ManualResetEventSlim _closing = new();
    private readonly Thread _thread;
    private byte[] _filling = new byte[FirstCapacity];
    private byte[] _writing = new byte[FirstCapacity];
    private int _filled;
    private long _dropped;
    private bool _reopening;
    private bool _isFailing;

    public AccessLogWriter(AccessLogTarget target, ILogger logger)
    {
        _target = target;
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "green-access-log" };
        _thread.Start();
    }

    /// <summary>Queues a line that ends with a newline. Never waits for the disk.</summary>
    public void Append(ReadOnlySpan<byte> line)
    {
        var isFirst = false;
        lock (_gate)
        {
            if (line.Length > Capacity - _filled)
            {
                _dropped++;
                return;
            }

            if (line.Length > _filling.Length - _filled)
            {
                Array.Resize(ref _filling, Math.Min(Capacity, Math.Max(_filling.Length * 2, _filled + line.Length)));
            }

            line.CopyTo(_filling.AsSpan(_filled));
            isFirst = _filled == 0;
            _filled += line.Length;
        }

        if (isFirst)
        {
            _wanted.Set();
        }
    }

    /// <summary>Reopens the file; lines that wait now may go to either file.</summary>
    public void Reopen()
    {
        lock (_gate)
        {
            _reopening = true;
        }

        _wanted.Set();
    }

    public void Dispose()
    {
        _closing.Set();
        _wanted.Set();
        if (_thread.Join(CloseLimit))
        {
            _target.Dispose();
            _wanted.Dispose();
            _closing.Dispose();
        }
    }

    private void Run()
    {
        bool isClosing;
        do
        {
            _wanted.Wait();
            _wanted.Reset();
            isClosing = _closing.IsSet;
            Turn();
        }
        while (!isClosing && !_closing.Wait(Gather));

        // Lines that came while the end was noticed.
        Turn();
    }

    private void Turn()
    {
        int length;
        long dropped;
        bool reopening;
        lock (_gate)
        {
            (_filling, _writing) = (_writing, _filling);
            (length, _filled) = (_filled, 0);
            (dropped, _dropped) = (_dropped, 0);
            (reopening, _reopening) = (_reopening, false);
        }

        if (reopening)
        {
            Attempt(_target.Reopen, Log.AccessLogNotReopened);
        }

        if (dropped > 0)
        {
            Log.AccessLogDropped(_logger, _target.Name, dropped);
        }

        for (var rest = _writing.AsMemory(0, length); rest.Length > 0;)
        {
            var piece = rest[..PieceOf(rest.Span)];
            rest = rest[piece.Length..];
            if (!Attempt(() => _target.Write(piece.Span), _isFailing ? null : Log.AccessLogNotWritten))
            {
                // What could not be written is dropped: a full disk must not fill the memory.
                _isFailing = true;
                return;
            }
        }

        if (length > 0 && _isFailing)
        {
            _isFailing = false;
            Log.AccessLogWorksAgain(_logger, _target.Name);
        }
    }

    // As many whole lines as may be written at once; a longer line is written alone.
    private int PieceOf(ReadOnlySpan<byte> lines)
    {
        if (lines.Length <= _target.Atomic)
        {
            return lines.Length;
        }

        var end = lines[.._target.Atomic].LastIndexOf((byte)'\n');
        return (end >= 0 ? end : lines.IndexOf((byte)'\n')) + 1;
    }

    private bool Attempt(Action act, Action<ILogger, string, string>? report)
    {
        try
        {
            act();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            report?.Invoke(_logger, _target.Name, e.Message);
            return false;
        }
    }
}
