using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FunctionalTests.Harness;

/// <summary>
/// One connection that speaks just enough HTTP/1.1, and hides nothing: it does not retry, pool, or open a second connection.
/// </summary>
internal sealed class RawConnection : IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly NetworkStream _stream;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    private RawConnection(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

    public static async Task<RawConnection> To(Target target)
    {
        var family = target.EndPoint.AddressFamily;
        var socket = new Socket(family, SocketType.Stream, family == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            using var limit = new CancellationTokenSource(Limit);
            await socket.ConnectAsync(target.EndPoint, limit.Token);
            return new RawConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async Task<string> Get(string path, bool keepAlive = true)
    {
        await Send(path, keepAlive);
        return await Receive();
    }

    public Task Send(string path, bool keepAlive) =>
        Write($"GET {path} HTTP/1.1\r\nHost: test\r\n{(keepAlive ? "" : "Connection: close\r\n")}\r\n");

    /// <summary>Sends text unchanged.</summary>
    public async Task Write(string text)
    {
        using var limit = new CancellationTokenSource(Limit);
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(text), limit.Token);
    }

    /// <summary>The body of the next response; throws unless its status is 200.</summary>
    public async Task<string> Receive()
    {
        using var limit = new CancellationTokenSource(Limit);
        var status = await ReadLine(limit.Token);
        var length = 0;
        var chunked = false;
        while (await ReadLine(limit.Token) is { Length: > 0 } header)
        {
            if (header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(header.AsSpan(15), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
            }

            chunked |= header.StartsWith("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        }

        var body = new StringBuilder();
        if (chunked)
        {
            while (int.Parse(await ReadLine(limit.Token), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and var size)
            {
                body.Append(await ReadBytes(size, limit.Token));
                await ReadLine(limit.Token);
            }

            await ReadLine(limit.Token);
        }
        else
        {
            body.Append(await ReadBytes(length, limit.Token));
        }

        return status.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal)
            ? body.ToString()
            : throw new HttpRequestException($"{status}: {body}");
    }

    /// <summary>Waits until the other side closes or resets the connection.</summary>
    public async Task Ended()
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            while (await _stream.ReadAsync(_buffer, limit.Token) > 0)
            {
            }
        }
        catch (IOException)
        {
        }
    }

    public void Dispose() => _stream.Dispose();

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task<string> ReadLine(CancellationToken cancellation)
    {
        var line = new StringBuilder();
        while (true)
        {
            await Fill(cancellation);
            var c = (char)_buffer[_start++];
            if (c == '\n')
            {
                return line.ToString();
            }

            if (c != '\r')
            {
                line.Append(c);
            }
        }
    }

    private async Task<string> ReadBytes(int count, CancellationToken cancellation)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            await Fill(cancellation);
            var part = Math.Min(count - done, _end - _start);
            _buffer.AsSpan(_start, part).CopyTo(bytes.AsSpan(done));
            _start += part;
            done += part;
        }

        return Encoding.UTF8.GetString(bytes);
    }

    private async Task Fill(CancellationToken cancellation)
    {
        if (_start < _end)
        {
            return;
        }

        _start = 0;
        _end = await _stream.ReadAsync(_buffer, cancellation);
        if (_end == 0)
        {
            throw new EndOfStreamException("the connection ended in the middle of a response");
        }
    }
}
