using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LoadGenerator;

/// <summary>
/// One connection that speaks HTTP/1.1 and hides nothing: no pool, no second try.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    // So little that a server with a long answer has to wait for a slow reader.
    private const int SlowReceiveBuffer = 16 * 1024;

    private readonly Socket _socket;
    private readonly TimeSpan _readPause;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    private LoadConnection(Socket socket, TimeSpan readPause)
    {
        (_socket, _readPause) = (socket, readPause);
        Client = socket.LocalEndPoint;
    }

    /// <summary>The address of this side.</summary>
    public EndPoint? Client { get; }

    /// <summary>The process that answered here last.</summary>
    public int? Server { get; set; }

    /// <summary>Whether the server said that it closes after the last response.</summary>
    public bool IsOver { get; private set; }

    /// <summary>
    /// Whether the server has closed the connection since the last response. Every client with connections to use again
    /// looks before it does so; it is no retry, since nothing was asked.
    /// </summary>
    public bool WasClosedWhileIdle
    {
        get
        {
            try
            {
                return _start == _end && _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0;
            }
            catch (SocketException)
            {
                return true;
            }
        }
    }

    public static async Task<LoadConnection> OpenAsync(EndPoint endPoint, TimeSpan readPause, CancellationToken limit)
    {
        var isUnix = endPoint.AddressFamily == AddressFamily.Unix;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (!isUnix)
            {
                socket.NoDelay = true;
            }

            if (readPause > TimeSpan.Zero)
            {
                socket.ReceiveBufferSize = SlowReceiveBuffer;
            }

            await socket.ConnectAsync(endPoint, limit);
            return new LoadConnection(socket, readPause);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends one request and reads its response to the last byte.</summary>
    public async Task<(int Status, string Body)> AskAsync(ReadOnlyMemory<byte> request, CancellationToken limit)
    {
        while (!request.IsEmpty)
        {
            request = request[await _socket.SendAsync(request, limit)..];
        }

        var status = int.Parse((await ReadLineAsync(limit)).AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture);
        int? length = null;
        var isChunked = false;
        while (await ReadLineAsync(limit) is { Length: > 0 } header)
        {
            var colon = header.IndexOf(':', StringComparison.Ordinal);
            var name = header[..colon];
            var value = header.AsSpan(colon + 1).Trim();
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
            }

            isChunked |= name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase) && value.Equals("chunked", StringComparison.OrdinalIgnoreCase);
            IsOver |= name.Equals("Connection", StringComparison.OrdinalIgnoreCase) && value.Equals("close", StringComparison.OrdinalIgnoreCase);
        }

        var body = new StringBuilder();
        if (isChunked)
        {
            while (int.Parse(await ReadLineAsync(limit), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and var size)
            {
                await ReadAsync(size, body, limit);
                await ReadLineAsync(limit);
            }

            await ReadLineAsync(limit);
        }
        else
        {
            await ReadAsync(length ?? throw new InvalidDataException("a response without a length"), body, limit);
        }

        return (status, body.ToString());
    }

    public void Dispose() => _socket.Dispose();

    private async ValueTask<string> ReadLineAsync(CancellationToken limit)
    {
        int newline;
        while ((newline = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n')) < 0)
        {
            await FillAsync(limit);
        }

        var line = Encoding.ASCII.GetString(_buffer, _start, newline).TrimEnd('\r');
        _start += newline + 1;
        return line;
    }

    private async ValueTask ReadAsync(int count, StringBuilder into, CancellationToken limit)
    {
        while (count > 0)
        {
            if (_start == _end)
            {
                await FillAsync(limit);
            }

            var part = Math.Min(count, _end - _start);
            into.Append(Encoding.ASCII.GetString(_buffer, _start, part));
            _start += part;
            count -= part;
        }
    }

    private async ValueTask FillAsync(CancellationToken limit)
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        if (_readPause > TimeSpan.Zero)
        {
            await Task.Delay(_readPause, limit);
        }

        var received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), limit);
        _end += received;
        if (received == 0)
        {
            throw new EndOfStreamException("the connection ended before the response had");
        }
    }
}
