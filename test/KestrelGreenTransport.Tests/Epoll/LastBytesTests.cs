using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>
/// What the app flushed reaches its client, whatever ends the connection afterwards. Every transport gets the same client.
/// Transports on .NET's sockets send on another thread, so that an abort may come first; that is the only other outcome allowed.
/// </summary>
public class LastBytesTests
{
    private const int Tries = 30;

    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task What_was_flushed_before_an_abort_in_the_same_event_arrives(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            await connection.Transport.Input.ReadTextAsync(3);
            await connection.Transport.Output.WriteAsync("answer");
            connection.Abort(new ConnectionAbortedException("for the test"));
        });
        await ExpectAnswersAsync(app, by);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task What_was_flushed_before_a_quiet_abort_in_the_same_event_arrives(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            await connection.Transport.Input.ReadTextAsync(3);
            await connection.Transport.Output.WriteAsync("answer");
            connection.Abort(abortReason: null!);
        });
        await ExpectAnswersAsync(app, by);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task What_was_gathered_before_an_abort_arrives(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            await connection.Transport.Input.ReadTextAsync(3);
            var pending = connection.Transport.Input.ReadAsync();
            await Task.Run(async () =>
            {
                await connection.Transport.Output.WriteAsync("answer");
                connection.Abort(new ConnectionAbortedException("for the test"));
            });
            await Assert.ThrowsAnyAsync<Exception>(async () => await pending);
        });
        await ExpectAnswersAsync(app, by);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_message_that_is_not_UTF_8_is_answered_by_the_close_frame_that_says_so(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static routes =>
        {
            routes.UseWebSockets();
            routes.MapGet("/", static async (HttpContext context) =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                try
                {
                    await socket.ReceiveAsync(new byte[100], context.RequestAborted);
                }
                catch (WebSocketException)
                {
                    // It has sent the close frame, and is aborting the connection.
                }
            });
        });
        for (var i = 0; i < Tries; i++)
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync("GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            var head = "";
            while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                head += await ReceiveOneAsync(client);
            }

            // A text message with a single byte that is never valid in UTF-8, with a mask of zeros.
            await client.SendAllAsync(new byte[] { 0x81, 0x81, 0, 0, 0, 0, 0xff });
            var frame = await ReceiveToTheEndAsync(client);
            if (by is ServedBy.Stock or ServedBy.Sockets && frame.Length == 0)
            {
                continue;
            }

            Assert.Equal([0x88, (byte)(frame.Length - 2), 1007 >> 8, 1007 & 0xff], frame[..4]);
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_client_that_has_sent_more_than_was_read_is_not_reset(ServedBy by)
    {
        foreach (var more in (int[])[1, 100, 50_000])
        {
            var clients = new Queue<Socket>();
            await using var app = await ServedApp.RunAsync(by, async connection =>
            {
                await connection.Transport.Input.ReadTextAsync(3);

                // When this returns, the bytes are in the socket's queue, and no event has been fetched since.
                clients.Dequeue().Send(new byte[more]);
                await connection.Transport.Output.WriteAsync("answer");
            });
            using var client = await app.ConnectAsync();
            clients.Enqueue(client);
            await client.SendAsync("ask");
            Assert.Equal("answer", await client.ReceiveAllAsync());
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_client_of_a_Unix_socket_that_has_sent_more_than_was_read_is_not_reset(ServedBy by)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("app.sock");
        var clients = new Queue<Socket>();
        await using var app = await ServedApp.StartAsync(
            by,
            static _ => { },
            kestrel: options => options.ListenUnixSocket(path, listen => listen.Run(async connection =>
            {
                await connection.Transport.Input.ReadTextAsync(3);
                clients.Dequeue().Send(new byte[50_000]);
                await connection.Transport.Output.WriteAsync("answer");
            })));
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(path));
        clients.Enqueue(client);
        await client.SendAsync("ask");
        if (by is ServedBy.Stock or ServedBy.Sockets)
        {
            // These transports reset the connection if they have not received everything yet.
            Assert.Equal("answer", Encoding.ASCII.GetString(await ReceiveToTheEndAsync(client)));
            return;
        }

        Assert.Equal("answer", await client.ReceiveAllAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_client_that_goes_on_sending_gets_the_answer_to_its_bad_request_and_no_reset(ServedBy by)
    {
        await using var app = await ServedApp.StartAsync(by, static _ => { });
        for (var i = 0; i < Tries; i++)
        {
            using var client = await app.ConnectAsync();
            var sending = Task.Run(() =>
            {
                try
                {
                    foreach (var one in $"GET / HTTP/1.1\r\nHost: test\r\nbad header\r\n{new string('x', 200)}")
                    {
                        client.Send([(byte)one]);
                    }
                }
                catch (SocketException)
                {
                    // The server has closed the connection by now.
                }
            });
            Assert.StartsWith("HTTP/1.1 400 Bad Request", await client.ReceiveAllAsync(), StringComparison.Ordinal);
            await sending;
        }
    }

    private static async Task ExpectAnswersAsync(ServedApp app, ServedBy by)
    {
        for (var i = 0; i < Tries; i++)
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync("ask");
            var received = await ReceiveToTheEndAsync(client);
            if (by is ServedBy.Stock or ServedBy.Sockets && received.Length == 0)
            {
                continue;
            }

            Assert.Equal("answer"u8, received);
        }
    }

    private static async Task<string> ReceiveOneAsync(Socket client)
    {
        var buffer = new byte[1];
        Assert.Equal(1, await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory()).AsTask()));
        return ((char)buffer[0]).ToString();
    }

    /// <summary>Receives until the end of the stream or a reset.</summary>
    private static async Task<byte[]> ReceiveToTheEndAsync(Socket client)
    {
        var all = new List<byte>();
        var buffer = new byte[1024];
        try
        {
            while (await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory()).AsTask()) is > 0 and var received)
            {
                all.AddRange(buffer.AsSpan(0, received));
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // A reset, which the app wanted.
        }

        return [.. all];
    }
}
