using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Control;

/// <summary>One client of the control socket: reads one line, waits for its answer, writes it, and is done. A client that waits gets several.</summary>
internal sealed class ControlClientConnection(Descriptor socket, long connectedAt) : IDisposable
{
    private const int LongestRequest = 64 * 1024;
    private const long RequestLimitNanoseconds = 5_000_000_000;
    private const long AnswerLimitNanoseconds = 10_000_000_000;

    private readonly byte[] _request = new byte[LongestRequest];
    private int _received;
    private bool _handedOut;
    private ReadOnlyMemory<byte>? _answer;
    private bool _stayOpen;
    private bool _isAnswering;
    private long _deadline = connectedAt + RequestLimitNanoseconds;

    public int Number => socket.Number;

    public bool IsDone { get; private set; }

    /// <summary>The last event that a client that waits was told of; null for any other.</summary>
    public long? Events { get; set; }

    /// <summary>Whether it has read all that was answered, and waits for more.</summary>
    public bool IsStaying => _stayOpen && _answer is { Length: 0 };

    /// <summary>Monotonic nanoseconds at which the last answer was written.</summary>
    public long AnsweredAt { get; private set; }

    /// <summary>What to poll for: the request, room for the answer, or only the client closing the connection.</summary>
    public short Interest => _answer is { Length: > 0 } ? Libc.POLLOUT : _handedOut && _answer is null ? (short)0 : Libc.POLLIN;

    /// <summary>Whether the client runs as our user or as root. The socket's mode already ensures this; it is checked again.</summary>
    public unsafe bool IsOursOrRoots()
    {
        Posix.Ucred peer;
        var length = sizeof(Posix.Ucred);
        return Libc.getsockopt(socket.Number, Libc.SOL_SOCKET, Posix.SO_PEERCRED, &peer, &length) == 0
            && (peer.uid == 0 || peer.uid == Libc.geteuid());
    }

    /// <summary>Sets the answer to write, after what is left of the one before. With <paramref name="stayOpen"/> the connection stays open afterwards.</summary>
    public void Answer(byte[] json, bool stayOpen)
    {
        _handedOut = true;
        _isAnswering = false;
        _stayOpen = stayOpen;
        _answer = (byte[])[.. (_answer ?? default).Span, .. json, (byte)'\n'];
    }

    /// <summary>Reads or writes as much as possible without blocking. Returns the request once its line is complete.</summary>
    public ReadOnlyMemory<byte>? Proceed(long now)
    {
        if (_answer is { Length: > 0 })
        {
            Write(now);
            return null;
        }

        if (_handedOut)
        {
            // No more input is expected: anything that arrives now, including the client's close, ends the connection once it has its answer.
            IsDone = _answer is not null && HasLeft();
            return null;
        }

        return Read(now);
    }

    public void Dispose() => socket.Dispose();

    private unsafe ReadOnlyMemory<byte>? Read(long now)
    {
        while (_received < LongestRequest)
        {
            Result received;
            fixed (byte* start = &_request[_received])
            {
                received = Result.From(Libc.recv(Number, start, (nuint)(LongestRequest - _received), Libc.MSG_DONTWAIT));
            }

            if (received.Error == Errno.EAGAIN)
            {
                IsDone = now > _deadline;
                return null;
            }

            if (received.Value <= 0)
            {
                IsDone = true;
                return null;
            }

            var end = _request.AsSpan(_received, (int)received.Value).IndexOf((byte)'\n');
            if (end >= 0)
            {
                _handedOut = true;
                return _request.AsMemory(0, _received + end);
            }

            _received += (int)received.Value;
        }

        IsDone = true;
        return null;
    }

    private unsafe void Write(long now)
    {
        if (!_isAnswering)
        {
            // The limit counts from now, not from the request: some answers take longer.
            _isAnswering = true;
            _deadline = now + AnswerLimitNanoseconds;
        }

        while (_answer is { Length: > 0 } rest)
        {
            Result sent;
            fixed (byte* start = rest.Span)
            {
                sent = Result.From(Libc.send(Number, start, (nuint)rest.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL));
            }

            if (sent.Error == Errno.EAGAIN)
            {
                IsDone = now > _deadline;
                return;
            }

            if (!sent.Ok)
            {
                IsDone = true;
                return;
            }

            _answer = rest[(int)sent.Value..];
        }

        AnsweredAt = now;
        IsDone = !_stayOpen;
    }

    private unsafe bool HasLeft()
    {
        byte one;
        var received = Result.From(Libc.recv(Number, &one, 1, Libc.MSG_DONTWAIT));
        return received.Error != Errno.EAGAIN;
    }
}
