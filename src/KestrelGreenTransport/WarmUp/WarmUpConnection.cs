using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace KestrelGreenTransport.WarmUp;

/// <summary>
/// A connection of this process to itself: the client's end of HTTP/1.1, with one request at a time.
///
/// It blocks the warm-up's own thread: .NET's HttpClient would make the runtime compile thousands of methods that the app never needs.
/// </summary>
internal sealed class WarmUpConnection : IDisposable
{
    private readonly byte[] _buffer = new byte[16 * 1024];
    private readonly Func<TimeSpan> _left;
    private readonly Stream _stream;
    private readonly Socket _socket;
    private readonly IDisposable _stopped;
    private bool _hasNoBody;
    private int _from;
    private int _to;

    /// <param name="socket">The client's end, connected.</param>
    /// <param name="isSecure">Whether to speak TLS.</param>
    /// <param name="left">How long an answer may still take.</param>
    /// <param name="stopped">Shuts the socket down when the warm-up is stopped; disposed with the connection.</param>
    /// <exception cref="IOException">The other end does not speak TLS, or does not answer in time.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The other end does not speak TLS.</exception>
    [SuppressMessage("Security", "CA5359", Justification = "The server is this process itself; its certificate is meant for other clients.")]
    public WarmUpConnection(Socket socket, bool isSecure, Func<TimeSpan> left, IDisposable stopped)
    {
        _socket = socket;
        _stopped = stopped;
        _left = left;
        _stream = new NetworkStream(socket, ownsSocket: true);
        if (isSecure)
        {
            Limit();
            var secure = new SslStream(_stream, leaveInnerStreamOpen: false, static (_, _, _, _) => true);
            secure.AuthenticateAsClient("localhost");
            _stream = secure;
        }
    }

    /// <summary>Whether the server keeps the connection open for another request.</summary>
    public bool IsKept { get; private set; } = true;

    public void Send(byte[] request)
    {
        _hasNoBody = request.AsSpan().StartsWith("HEAD "u8);
        Limit();
        _stream.Write(request);
    }

    /// <summary>Reads the answer to its end.</summary>
    /// <returns>The status; null if the answer is not HTTP/1.</returns>
    /// <exception cref="IOException">There was no answer in time.</exception>
    public int? Receive()
    {
        int status;
        long? length;
        bool isChunked;
        do
        {
            var line = ReadLine();
            if (line is null || !line.StartsWith("HTTP/1.", StringComparison.Ordinal) || line.Length < 12
                || !int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out status))
            {
                IsKept = false;
                return null;
            }

            (length, isChunked) = ReadHeaders();
        }
        while (status is >= 100 and < 200);

        if (_hasNoBody || status is 204 or 304)
        {
            return status;
        }

        if (isChunked)
        {
            SkipChunks();
        }
        else if (length is { } bytes)
        {
            Skip(bytes);
        }
        else
        {
            IsKept = false;
            Skip(long.MaxValue);
        }

        return status;
    }

    public void Dispose()
    {
        _stopped.Dispose();
        _stream.Dispose();
    }

    private (long? Length, bool IsChunked) ReadHeaders()
    {
        (long? length, var isChunked) = (null, false);
        while (ReadLine() is { Length: > 0 } header)
        {
            if (Value("Content-Length:") is { } number)
            {
                length = long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : null;
            }
            else if (Value("Transfer-Encoding:") is not null)
            {
                isChunked = true;
            }
            else if (Value("Connection:") is { } connection && connection.Equals("close", StringComparison.OrdinalIgnoreCase))
            {
                IsKept = false;
            }

            string? Value(string name) => header.StartsWith(name, StringComparison.OrdinalIgnoreCase) ? header[name.Length..].Trim() : null;
        }

        return (length, isChunked);
    }

    private void SkipChunks()
    {
        while (ReadLine() is { } line && long.TryParse(line.Split(';')[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size) && size > 0)
        {
            Skip(size);
            ReadLine();
        }

        // Trailers and the empty line.
        while (ReadLine() is { Length: > 0 })
        {
        }
    }

    // A line as ASCII, without its line ending; null at the end of the stream. A line that is too long is cut into several.
    private string? ReadLine()
    {
        while (true)
        {
            var have = _buffer.AsSpan(_from, _to - _from);
            var end = have.IndexOf((byte)'\n');
            if (end >= 0 || have.Length == _buffer.Length)
            {
                var taken = end >= 0 ? end + 1 : have.Length;
                _from += taken;
                return Encoding.ASCII.GetString(have[..taken]).TrimEnd('\r', '\n');
            }

            if (!Fill())
            {
                return null;
            }
        }
    }

    private void Skip(long bytes)
    {
        while (bytes > 0 && (_from < _to || Fill()))
        {
            var taken = (int)Math.Min(bytes, _to - _from);
            _from += taken;
            bytes -= taken;
        }
    }

    private bool Fill()
    {
        _buffer.AsSpan(_from, _to - _from).CopyTo(_buffer);
        (_from, _to) = (0, _to - _from);
        Limit();
        var read = _stream.Read(_buffer, _to, _buffer.Length - _to);
        _to += read;
        IsKept &= read > 0;
        return read > 0;
    }

    // The socket's own time-out: the kernel wakes this thread, however busy the process is.
    private void Limit()
    {
        var left = _left();
        if (left <= TimeSpan.Zero)
        {
            throw new IOException("the time is over");
        }

        _socket.ReceiveTimeout = _socket.SendTimeout = Math.Max(1, (int)Math.Min(left.TotalMilliseconds, int.MaxValue));
    }
}
