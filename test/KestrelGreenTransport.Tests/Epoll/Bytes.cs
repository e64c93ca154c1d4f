using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>Bytes over plain sockets and pipes, for both ends of a test.</summary>
internal static class Bytes
{
    /// <summary>The byte at a position of a long stream: any loss, duplication or swap shows.</summary>
    public static byte At(long position) => (byte)((position * 31) ^ (position >> 8) ^ (position >> 16));

    public static void Fill(Span<byte> buffer, long position)
    {
        for (var i = 0; i < buffer.Length; i++)
        {
            buffer[i] = At(position + i);
        }
    }

    public static void Check(ReadOnlySpan<byte> buffer, long position)
    {
        for (var i = 0; i < buffer.Length; i++)
        {
            if (buffer[i] != At(position + i))
            {
                Assert.Fail($"Byte {position + i} is {buffer[i]}, not {At(position + i)}.");
            }
        }
    }

    public static async Task SendAsync(this Socket socket, string text) => await socket.SendAllAsync(Encoding.ASCII.GetBytes(text));

    public static async Task SendAllAsync(this Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    /// <summary>Receives one chunked answer, and no more.</summary>
    public static async Task<string> ExpectAnswerAsync(this Socket socket)
    {
        var buffer = new byte[4096];
        var answer = "";
        while (!answer.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal))
        {
            var received = await Wait.ForAsync(socket.ReceiveAsync(buffer));
            Assert.NotEqual(0, received);
            answer += Encoding.ASCII.GetString(buffer, 0, received);
        }

        return answer;
    }

    /// <summary>Receives until the whole text has arrived.</summary>
    public static async Task ExpectAsync(this Socket socket, string expected)
    {
        var buffer = new byte[expected.Length];
        var got = 0;
        while (got < buffer.Length)
        {
            var received = await Wait.ForAsync(socket.ReceiveAsync(buffer.AsMemory(got)).AsTask());
            if (received == 0)
            {
                break;
            }

            got += received;
        }

        Assert.Equal(expected, Encoding.ASCII.GetString(buffer, 0, got));
    }

    /// <summary>Receives until the end of the stream.</summary>
    public static async Task<string> ReceiveAllAsync(this Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[16 * 1024];
        while (await Wait.ForAsync(socket.ReceiveAsync(buffer.AsMemory()).AsTask()) is > 0 and var received)
        {
            text.Append(Encoding.ASCII.GetString(buffer, 0, received));
        }

        return text.ToString();
    }

    public static async Task ExpectResetAsync(this Socket socket)
    {
        var exception = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (await Wait.ForAsync(socket.ReceiveAsync(new byte[16 * 1024].AsMemory()).AsTask()) != 0)
            {
            }
        });
        Assert.Equal(SocketError.ConnectionReset, exception.SocketErrorCode);
    }

    /// <summary>Closes with a reset instead of an end of stream.</summary>
    public static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public static async Task<string> ReadTextAsync(this PipeReader reader, int length)
    {
        var result = await Wait.ForAsync(reader.ReadAtLeastAsync(length).AsTask());
        var text = Encoding.ASCII.GetString(result.Buffer.Slice(0, length));
        reader.AdvanceTo(result.Buffer.GetPosition(length));
        return text;
    }

    public static async Task WriteAsync(this PipeWriter writer, string text) => await writer.WriteAsync(Encoding.ASCII.GetBytes(text));
}
