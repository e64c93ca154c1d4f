using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace LoadGenerator;

/// <summary>
/// One HTTP/1.1 connection, optionally over TLS, that hides nothing: no pool, no retry.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    // Small, so that a server with a long answer has to wait for a slow reader.
    private const int SlowReceiveBuffer = 16 * 1024;

    private readonly Socket _socket;
    private readonly TimeSpan _readPause;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;
    private SslStream? _tls;

    // With TLS: a read that was started between two requests, to see whether the server has closed.
    private Task<int>? _ahead;

    private LoadConnection(Socket socket, TimeSpan readPause)
    {
        (_socket, _readPause) = (socket, readPause);
        Client = socket.LocalEndPoint;
    }

    /// <summary>The address of this side.</summary>
    public EndPoint? Client { get; }

    /// <summary>The process that last answered here.</summary>
    public int? Server { get; set; }

    /// <summary>Whether the server has announced that it closes after the last response.</summary>
    public bool IsOver { get; private set; }

    /// <summary>
    /// Whether the server has closed the connection since the last response. Every client that reuses connections checks this first.
    /// It is not a retry, since nothing was sent.
    /// </summary>
    public bool WasClosedWhileIdle
    {
        get
        {
            if (_tls is not null)
            {
                // Waiting bytes may be a TLS session ticket or the notice of the end: only a read tells.
                if (_ahead is null && _start == _end)
                {
                    (_start, _end) = (0, 0);
                    _ahead = _tls.ReadAsync(_buffer).AsTask();
                }

                return _ahead is { IsCompleted: true } && (!_ahead.IsCompletedSuccessfully || _ahead.Result == 0);
            }

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

    /// <param name="endPoint">The server.</param>
    /// <param name="readPause">How long to rest before each read.</param>
    /// <param name="tls">Checks the server's certificate; null means no TLS.</param>
    /// <param name="limit">Cancels the connect.</param>
    public static async Task<LoadConnection> OpenAsync(
        EndPoint endPoint, TimeSpan readPause, RemoteCertificateValidationCallback? tls, CancellationToken limit)
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
            var connection = new LoadConnection(socket, readPause);
            if (tls is not null)
            {
                connection._tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
                await connection._tls.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = tls }, limit);
            }

            return connection;
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
        if (_tls is not null)
        {
            await _tls.WriteAsync(request, limit);
            request = default;
        }

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

    public void Dispose()
    {
        // At once, without closing TLS properly. A pending read ahead then fails, which can be ignored.
        _ahead?.ContinueWith(static read => read.Exception, TaskScheduler.Default);
        _socket.Dispose();
        _tls?.Dispose();
    }

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
        if (_ahead is not null)
        {
            var ahead = _ahead;
            _ahead = null;
            Received(await ahead.WaitAsync(limit));
            return;
        }

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

        Received(await (_tls?.ReadAsync(_buffer.AsMemory(_end), limit) ?? _socket.ReceiveAsync(_buffer.AsMemory(_end), limit)));
    }

    private void Received(int count)
    {
        _end += count;
        if (count == 0)
        {
            throw new EndOfStreamException("the connection ended before the response had");
        }
    }
}
