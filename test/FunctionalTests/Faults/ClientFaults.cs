using System.Globalization;
using System.Net.Sockets;
using System.Text;
using FunctionalTests.Harness;

namespace FunctionalTests.Faults;

/// <summary>What clients can do: be slow, stop halfway, break the rules, or come far too often.</summary>
internal static class ClientFaults
{
    // The kernel's TCP_REPAIR: a socket in this mode is closed without sending anything to the other side.
    private const int TcpRepair = 19;

    private static readonly FaultSetup Served = new(2, "--keep-alive", "2s");

    private static readonly FaultSetup SmallPools = new(2, "--worker-connections", "10", "--keep-alive", "2s");

    private static readonly FaultSetup SmallPoolsThatKeepAll = SmallPools with { Environment = [("GREEN_IDLE_RECLAIM", "false")] };

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("client-slow-headers", SlowHeaders) { Setup = Served, InTests = Fault.Nginx },
        new("client-slow-body", SlowBody) { Setup = Served, InTests = null },
        new("client-slow-reader", SlowReader) { Setup = Served, InTests = Fault.Nginx },
        new("client-half-open", HalfOpen) { Setup = SmallPools, IsForNginx = false },
        new("client-RST-in-the-body", ResetsInTheBody) { Setup = Served, InTests = Fault.Nginx },
        new("client-a-million-tiny-writes", TinyWrites) { Setup = Served, InTests = Fault.Nginx },
        new("client-pipelines", Pipelines) { Setup = Served, InTests = Fault.Nginx },
        new("client-silent-until-the-pool-is-full", static scene => FillPools(scene, ask: false)) { Setup = SmallPools, IsForNginx = false },
        new("client-idle-until-the-pool-is-full", static scene => FillPools(scene, ask: true)) { Setup = SmallPools, IsForNginx = false, InTests = null },
        new("client-idle-until-the-pool-is-full-without-reclaim", static scene => FillPools(scene, ask: true)) { Setup = SmallPoolsThatKeepAll, IsForNginx = false },
    ];

    private static async Task SlowHeaders(FaultScene scene) => await Together(scene.Random.Next(5, 20), async _ =>
    {
        using var connection = await RawConnection.To(scene.Front);
        foreach (var letter in "GET /pid HTTP/1.1\r\nHost: test\r\nX-Slow: y\r\n\r\n")
        {
            await connection.Write($"{letter}");
            await Task.Delay(30, TestContext.Current.CancellationToken);
        }

        Assert.NotEmpty(await connection.Receive());
    });

    private static async Task SlowBody(FaultScene scene) => await Together(scene.Random.Next(5, 20), async number =>
    {
        using var connection = await RawConnection.To(scene.Front);
        await connection.Write("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2000\r\n\r\n");
        var part = new string((char)('a' + (number % 26)), 50);
        for (var i = 0; i < 40; i++)
        {
            await connection.Write(part);
            await Task.Delay(40, TestContext.Current.CancellationToken);
        }

        Assert.Equal(new string(part[0], 2000), (await connection.Receive()).Split(' ')[1]);
    });

    // Far more data than fits into the kernel's buffers, read in small sips at first.
    private static async Task SlowReader(FaultScene scene) => await Together(scene.Random.Next(2, 6), async _ =>
    {
        const int Kilobytes = 20_000;
        using var socket = await Connect(scene.Front);
        await Send(socket, $"GET /download?kb={Kilobytes} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        var buffer = new byte[64 * 1024];
        var received = 0L;
        for (var sips = 0; await socket.ReceiveAsync(buffer.AsMemory(0, sips < 40 ? 500 : buffer.Length), TestContext.Current.CancellationToken) is > 0 and var length; sips++)
        {
            received += length;
            if (sips < 40)
            {
                await Task.Delay(40, TestContext.Current.CancellationToken);
            }
        }

        Assert.InRange(received, Kilobytes * 1024L, (Kilobytes * 1024L) + 1000);
    });

    // As after a pulled cable: the client's kernel has forgotten the connection, and the server has not seen it end.
    private static async Task HalfOpen(FaultScene scene)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        const int Clients = 10;
        for (var i = 0; i < Clients; i++)
        {
            using var socket = await Connect(scene.App);
            if (i % 2 == 0)
            {
                await Send(socket, "GET /pid HTTP/1.1\r\nHost: test\r\n\r\n");
                Assert.NotEqual(0, await socket.ReceiveAsync(new byte[4096], TestContext.Current.CancellationToken));
            }

            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpRepair, BitConverter.GetBytes(1));
        }

        await scene.Green.StatusWhen("they are held", static status => status.Workers.Sum(static worker => worker.Connections) >= Clients);
        await scene.Load.More(50);

        // The checks at the end wait until every slot is free: KeepAlive closes these connections.
        await scene.NobodyWasEnded();
    }

    private static async Task ResetsInTheBody(FaultScene scene)
    {
        await Together(scene.Random.Next(50, 200), async _ =>
        {
            using var socket = await Connect(scene.Front);
            await Send(socket, "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\nonly the beginning");
            socket.LingerState = new LingerOption(true, 0);
        });
        await scene.NobodyWasEnded();
    }

    private static async Task TinyWrites(FaultScene scene)
    {
        var writes = FaultMatrix.IsThorough ? 1_000_000 : 10_000;
        using var socket = await Connect(scene.Front);
        socket.NoDelay = true;
        await Send(socket, string.Create(CultureInfo.InvariantCulture, $"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: {writes}\r\nConnection: close\r\n\r\n"));
        var one = "x"u8.ToArray();
        for (var i = 0; i < writes; i++)
        {
            await socket.SendAsync(one, TestContext.Current.CancellationToken);
        }

        var answer = await ReadToEnd(socket);
        Assert.EndsWith(new string('x', 1000), answer.TrimEnd('\r', '\n', '0'), StringComparison.Ordinal);
        Assert.True(answer.Count(static letter => letter == 'x') >= writes, answer[..200]);
    }

    private static async Task Pipelines(FaultScene scene)
    {
        const int Requests = 300;
        using var connection = await RawConnection.To(scene.Front);
        await connection.Write(string.Concat(Enumerable.Repeat("GET /pid HTTP/1.1\r\nHost: test\r\n\r\n", Requests)));
        for (var i = 0; i < Requests; i++)
        {
            Assert.NotEmpty(await connection.Receive());
        }
    }

    private static async Task FillPools(FaultScene scene, bool ask)
    {
        var held = new List<RawConnection>();
        try
        {
            for (var i = 0; i < 40; i++)
            {
                held.Add(await RawConnection.To(scene.App));
                if (ask)
                {
                    await held[^1].Get("/pid");
                }
            }

            // New clients get their turn although none of the clients that hold the slots leaves by itself.
            await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => scene.App.Pid()));
        }
        finally
        {
            held.ForEach(static connection => connection.Dispose());
        }
    }

    private static Task Together(int clients, Func<int, Task> act) => Task.WhenAll(Enumerable.Range(0, clients).Select(act));

    private static async Task<Socket> Connect(Target target)
    {
        var socket = new Socket(target.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(target.EndPoint, TestContext.Current.CancellationToken);
        return socket;
    }

    private static async Task Send(Socket socket, string text)
    {
        ReadOnlyMemory<byte> rest = Encoding.ASCII.GetBytes(text);
        while (!rest.IsEmpty)
        {
            rest = rest[await socket.SendAsync(rest, TestContext.Current.CancellationToken)..];
        }
    }

    private static async Task<string> ReadToEnd(Socket socket)
    {
        using var limit = new CancellationTokenSource(Eventually.Limit);
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync(limit.Token);
    }
}
