using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>
/// What can happen to one connection from several sides at the same moment: the loop, the app on the pool, a token, an abort,
/// the client. Whichever comes first, every byte arrives in order or the connection ends, and its slot is freed.
/// </summary>
public class ConnectionRaceTests
{
    private const int Clients = 8;
    private const int Rounds = 6;

    public static TheoryData<ServedBy> ByEpoll => [ServedBy.EpollAdaptive, ServedBy.EpollInline, ServedBy.EpollThreadPool];

    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    public async Task What_a_handler_flushed_is_sent_while_it_blocks(int clients)
    {
        var gates = new SemaphoreSlim[clients];
        var numbers = 0;
        await using var app = await ServedApp.RunAsync(
            ServedBy.EpollAdaptive,
            async connection =>
            {
                // With many blocked handlers at once, the loop is handed on before each of them.
                var number = await connection.Transport.Input.ReadAsync();
                var gate = gates[number.Buffer.FirstSpan[0]];
                connection.Transport.Input.AdvanceTo(number.Buffer.End);
                for (var round = 0; round < Rounds; round++)
                {
                    await connection.Transport.Output.WriteAsync("ready");
                    Assert.True(await gate.WaitAsync(Wait.Limit));
                    Assert.Equal("ask", await connection.Transport.Input.ReadTextAsync(3));
                    await connection.Transport.Output.WriteAsync("one");
                    Assert.True(gate.Wait(Wait.Limit), "The client did not get what was flushed.");
                }
            },
            static options => options.EventLoops = 1);
        await EachAsync(clients, async _ =>
        {
            var number = Interlocked.Increment(ref numbers) - 1;
            using var gate = gates[number] = new SemaphoreSlim(0);
            using var client = await app.ConnectAsync();
            await client.SendAllAsync(new[] { (byte)number });
            for (var round = 0; round < Rounds; round++)
            {
                await client.ExpectAsync("ready");
                gate.Release();
                await client.SendAsync("ask");
                await client.ExpectAsync("one");
                gate.Release();
            }

            Assert.Equal("", await client.ReceiveAllAsync());
        });
    }

    [Theory]
    [MemberData(nameof(ByEpoll))]
    public Task Flushes_end_and_slots_come_back_when_a_slow_client_an_abort_and_room_come_together(ServedBy by)
    {
        return ForManyAsync(
            by,
            async (connection, random) =>
            {
                // Over loopback the kernel would otherwise buffer megabytes.
                connection.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = 4096;
                var output = connection.Transport.Output;
                await connection.Transport.Input.ReadTextAsync(1);
                var abort = random.Next(3) == 0 ? Task.Run(() => connection.Abort(new ConnectionAbortedException("for the test"))) : Task.CompletedTask;
                long position = 0;
                for (var i = 0; i < 100; i++)
                {
                    var length = random.Next(1, 60_000);
                    Bytes.Fill(output.GetSpan(length)[..length], position);
                    output.Advance(length);
                    position += length;
                    using var source = new CancellationTokenSource();
                    var flush = output.FlushAsync(random.Next(2) == 0 ? source.Token : default);
                    var ends = random.Next(20) switch
                    {
                        0 => Task.Run(output.CancelPendingFlush),
                        1 => source.CancelAsync(),
                        2 => Task.Run(connection.Abort),
                        _ => Task.CompletedTask,
                    };
                    try
                    {
                        if ((await flush).IsCompleted)
                        {
                            break;
                        }
                    }
                    catch (OperationCanceledException)
                    {
                        // Its bytes are still flushed.
                    }
                    finally
                    {
                        await ends;
                    }
                }

                await abort;
            },
            async (client, random) =>
            {
                await client.SendAsync("x");
                var buffer = new byte[32 * 1024];
                long position = 0;
                for (var left = random.Next(200); left > 0; left--)
                {
                    var received = await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory(0, random.Next(1, buffer.Length))).AsTask());
                    if (received == 0)
                    {
                        return;
                    }

                    Bytes.Check(buffer.AsSpan(0, received), position);
                    position += received;
                }
            },
            static options => options.MaxWriteBufferSize = 64 * 1024,

            // The kernel sends little to a client with a small buffer.
            static client => client.ReceiveBufferSize = 4096);
    }

    [Theory]
    [MemberData(nameof(ByEpoll))]
    public Task Reads_that_wait_for_their_turn_and_go_elsewhere_get_every_byte(ServedBy by)
    {
        const int Size = 600_000;
        return ForManyAsync(
            by,
            async (connection, random) =>
            {
                var input = connection.Transport.Input;
                var ended = false;
                for (long position = 0; !ended;)
                {
                    var result = await input.ReadAsync();
                    foreach (var segment in result.Buffer)
                    {
                        Bytes.Check(segment.Span, position);
                        position += segment.Length;
                    }

                    ended = result.IsCompleted;
                    input.AdvanceTo(result.Buffer.End);
                    if (random.Next(8) == 0)
                    {
                        await Task.Yield();
                    }

                    Assert.True(!ended || position == Size, $"The end came after {position} bytes.");
                }

                await connection.Transport.Output.WriteAsync("all");
            },
            static async (client, random) =>
            {
                await SendInPiecesAsync(client, Size, () => random.Next(1, 200_000));
                client.Shutdown(SocketShutdown.Send);
                Assert.Equal("all", await client.ReceiveAllAsync());
            });
    }

    [Theory]
    [MemberData(nameof(ByEpoll))]
    public Task A_hang_up_is_told_apart_from_a_reset_whoever_looks_first(ServedBy by)
    {
        return ForManyAsync(
            by,
            async (connection, random) =>
            {
                var input = connection.Transport.Input;
                var result = await input.ReadAtLeastAsync(2);
                var resets = result.Buffer.FirstSpan[0] == 'r';
                input.AdvanceTo(result.Buffer.Start, result.Buffer.GetPosition(2));
                if (random.Next(3) == 0)
                {
                    // Disposed while the loop looks at the hang-up.
                    await Task.Yield();
                    return;
                }

                if (random.Next(2) == 0)
                {
                    await Task.Yield();
                }

                long length = 0;
                var exception = await Record.ExceptionAsync(async () =>
                {
                    while (true)
                    {
                        result = await input.ReadAsync();
                        length = result.Buffer.Length;
                        input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                        if (result.IsCompleted)
                        {
                            return;
                        }
                    }
                });
                Assert.True(resets ? exception is ConnectionResetException : exception is null && length == 10, $"Resets: {resets}, {length} bytes, {exception}");
            },
            static async (client, random) =>
            {
                var resets = random.Next(2) == 0;
                await client.SendAsync(resets ? "r123456789" : "f123456789");
                if (resets)
                {
                    client.Reset();
                }
                else
                {
                    client.Shutdown(SocketShutdown.Send);
                    await client.ReceiveAllAsync();
                }
            });
    }

    [Theory]
    [MemberData(nameof(ByEpoll))]
    public Task Reads_with_tokens_that_are_cancelled_at_any_moment_lose_no_byte(ServedBy by)
    {
        const int Size = 300;
        return ForManyAsync(
            by,
            async (connection, random) =>
            {
                var input = connection.Transport.Input;
                for (long position = 0; position < Size;)
                {
                    using var source = new CancellationTokenSource();
                    var cancelling = Task.CompletedTask;
                    var pauses = random.Next(2) == 0;
                    try
                    {
                        var read = input.ReadAsync(source.Token);
                        cancelling = random.Next(2) == 0 ? Task.Run(source.Cancel) : Task.CompletedTask;
                        var result = await read;
                        var length = result.Buffer.Length;
                        foreach (var segment in result.Buffer)
                        {
                            Bytes.Check(segment.Span, position);
                            position += segment.Length;
                        }

                        input.AdvanceTo(result.Buffer.End);
                        Assert.False(result.IsCompleted && position < Size, $"The end came after {position} bytes.");
                    }
                    catch (OperationCanceledException) when (source.IsCancellationRequested)
                    {
                        // Nothing is lost because of that.
                    }

                    await cancelling;
                    if (pauses)
                    {
                        await Task.Yield();
                    }
                }

                await connection.Transport.Output.WriteAsync("all");
            },
            static async (client, random) =>
            {
                await SendInPiecesAsync(client, Size, () => random.Next(1, 20));
                Assert.Equal("all", await client.ReceiveAllAsync());
            });
    }

    private static async Task SendInPiecesAsync(Socket client, int size, Func<int> length)
    {
        var sent = new byte[size];
        Bytes.Fill(sent, 0);
        for (var position = 0; position < size;)
        {
            var end = Math.Min(position + length(), size);
            await client.SendAllAsync(sent.AsMemory(position..end));
            position = end;
            await Task.Yield();
        }
    }

    private static Task EachAsync(int clients, Func<int, Task> run) =>
        Wait.ForAsync(Parallel.ForAsync(0, clients, new ParallelOptions { MaxDegreeOfParallelism = clients }, async (number, _) => await run(number)));

    /// <summary>Several clients at once, several times each. Failed assertions of a handler are passed on, and all slots must be freed.</summary>
    private static async Task ForManyAsync(
        ServedBy by,
        Func<ConnectionContext, Random, Task> handle,
        Func<Socket, Random, Task> run,
        Action<GreenTransportOptions>? configure = null,
        Action<Socket>? before = null)
    {
        var seed = Random.Shared.Next();
        var handled = 0;
        Exception? failure = null;
        await using var app = await ServedApp.RunAsync(
            by,
            async connection =>
            {
                try
                {
                    await handle(connection, new Random(seed + Interlocked.Increment(ref handled)));
                }
                catch (Exception exception) when (exception is not ConnectionResetException and not ConnectionAbortedException)
                {
                    Interlocked.CompareExchange(ref failure, exception, null);
                }
            },
            options =>
            {
                options.EventLoops = 1;
                configure?.Invoke(options);
            });
        await EachAsync(Clients, async number =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                using var client = await app.ConnectAsync(before);
                try
                {
                    await run(client, new Random(seed - (number * Rounds) - round));
                }
                catch (SocketException)
                {
                    // Aborted by the handler.
                }
            }
        });
        await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, "all slots are back");
        Assert.True(failure is null, $"Seed {seed}: {failure}");
    }
}
