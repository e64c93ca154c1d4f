using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using KestrelGreenTransport.Accepting;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace KestrelGreenTransport.Tests;

/// <summary>The protocol that a test's client speaks.</summary>
public enum Spoken
{
    Http1,
    Http1OverTls,
    Http2,
    Http2OverTls,
}

/// <summary>
/// A client whose requests can be sent in pieces, cut at any byte on the wire: within a line, a TLS record, the preface or a
/// frame of HTTP/2.
/// </summary>
internal sealed class CutClient : IAsyncDisposable
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte GoAway = 7;
    private const byte EndStream = 1;

    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    private readonly Wire _wire;
    private readonly Stream _stream;
    private readonly Spoken _spoken;
    private int _lastStream = -1;

    private CutClient(Wire wire, Stream stream, Spoken spoken) => (_wire, _stream, _spoken) = (wire, stream, spoken);

    public int Port => ((IPEndPoint)_wire.Socket.LocalEndPoint!).Port;

    private bool IsHttp2 => _spoken is Spoken.Http2 or Spoken.Http2OverTls;

    public static bool IsOverTls(Spoken spoken) => spoken is Spoken.Http1OverTls or Spoken.Http2OverTls;

    /// <summary>An app that says hello to such clients.</summary>
    public static Task<ServedApp> ServeAsync(ServedBy by, Spoken spoken, int slots, TimeProvider time, Action<GreenTransportOptions>? configure = null) => ServedApp.StartAsync(
        by,
        static routes => routes.MapGet("/", static () => "hello"),
        listen =>
        {
            listen.Protocols = spoken is Spoken.Http2 or Spoken.Http2OverTls ? HttpProtocols.Http2 : HttpProtocols.Http1;
            if (IsOverTls(spoken))
            {
                listen.UseHttps(Certificates.SelfSigned("localhost"));
            }
        },
        configure: options =>
        {
            (options.WorkerConnections, options.EventLoops) = (slots, 1);
            configure?.Invoke(options);
        },
        build: builder => builder.Services.AddSingleton(new TransportClock(time)));

    public static async Task<CutClient> ConnectAsync(ServedApp app, Spoken spoken)
    {
        var wire = new Wire(await app.ConnectAsync());
        Stream stream = wire;
        if (IsOverTls(spoken))
        {
            var tls = new SslStream(wire, leaveInnerStreamOpen: false);
            stream = tls;
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                RemoteCertificateValidationCallback = static (_, remote, _, _) => remote?.Subject == "CN=localhost",
                ApplicationProtocols = [spoken == Spoken.Http2OverTls ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11],
            });
        }

        return new CutClient(wire, stream, spoken);
    }

    /// <summary>Sends a whole request, and returns its answer.</summary>
    public async Task<string> AskAsync()
    {
        await SendAsync(await EncodeAsync());
        return await ExpectAnswerAsync();
    }

    /// <summary>The next request as it goes over the wire. The caller must send it.</summary>
    public async Task<byte[]> EncodeAsync()
    {
        _wire.Held = [];
        await _stream.WriteAsync(IsHttp2 ? Http2Request() : "GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray());
        await _stream.FlushAsync();
        var held = _wire.Held;
        _wire.Held = null;
        return [.. held];
    }

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => _wire.Socket.SendAllAsync(bytes);

    /// <summary>The next answer; with HTTP/2, only its body.</summary>
    public Task<string> ExpectAnswerAsync() => Wait.ForAsync(IsHttp2 ? Http2AnswerAsync() : Http1AnswerAsync());

    /// <summary>Expects the end of the stream, and no answer before it.</summary>
    public async Task ExpectEndAsync()
    {
        if (!IsHttp2)
        {
            Assert.Equal("", await Wait.ForAsync(new StreamReader(_stream).ReadToEndAsync()));
            return;
        }

        var hasGoneAway = false;
        while (await Wait.ForAsync(ReadFrameAsync()) is { } frame)
        {
            Assert.NotEqual(Headers, frame.Type);
            hasGoneAway |= frame.Type == GoAway;
        }

        Assert.True(hasGoneAway, "The connection ended without GOAWAY.");
    }

    public ValueTask DisposeAsync()
    {
        _wire.Socket.Dispose();
        return _stream.DisposeAsync();
    }

    private byte[] Http2Request()
    {
        var isFirst = _lastStream < 0;
        _lastStream += 2;
        byte[] block = [0x82, (byte)(IsOverTls(_spoken) ? 0x87 : 0x86), 0x84, 0x41, 4, .. "test"u8];
        var frame = new byte[9];
        frame[2] = (byte)block.Length;
        frame[3] = Headers;
        frame[4] = EndStream | 4;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), _lastStream);
        return isFirst ? [.. Preface, .. frame, .. block] : [.. frame, .. block];
    }

    private async Task<string> Http1AnswerAsync()
    {
        var buffer = new byte[4096];
        var answer = "";
        while (!answer.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await _stream.ReadAsync(buffer);
            Assert.True(read != 0, $"The connection ended before its answer: {answer}");
            answer += Encoding.ASCII.GetString(buffer, 0, read);
        }

        return answer;
    }

    private async Task<string> Http2AnswerAsync()
    {
        var body = "";
        while (true)
        {
            var frame = await ReadFrameAsync();
            Assert.True(frame is not null, "The connection ended before its answer.");
            if (frame.Value.Stream != _lastStream)
            {
                continue;
            }

            body += frame.Value.Type == Data ? Encoding.ASCII.GetString(frame.Value.Payload) : "";
            if (frame.Value.Type is Data or Headers && (frame.Value.Flags & EndStream) != 0)
            {
                return body;
            }
        }
    }

    private async Task<(byte Type, byte Flags, int Stream, byte[] Payload)?> ReadFrameAsync()
    {
        var head = new byte[9];
        if (await _stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false) < head.Length)
        {
            return null;
        }

        var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await _stream.ReadExactlyAsync(payload);
        return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
    }

    /// <summary>A socket's stream that holds back what is written, while it is told to.</summary>
    private sealed class Wire(Socket socket) : NetworkStream(socket, ownsSocket: true)
    {
        public List<byte>? Held { get; set; }

        public new Socket Socket => base.Socket;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Held is not { } held)
            {
                return base.WriteAsync(buffer, cancellationToken);
            }

            held.AddRange(buffer.Span);
            return default;
        }
    }
}
