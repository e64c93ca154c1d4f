using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>Connections end the same way over every transport.</summary>
public class ClosingTests
{
    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task ConnectionClosed_fires_at_an_end_of_stream_that_nobody_reads(ServedBy by)
    {
        await ExpectClosedToFire(by, static client => client.Shutdown(SocketShutdown.Send));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task ConnectionClosed_fires_at_a_reset_that_nobody_reads(ServedBy by)
    {
        await ExpectClosedToFire(by, static client => client.Reset());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task ConnectionClosed_fires_though_bytes_before_the_end_lie_unread(ServedBy by)
    {
        await ExpectClosedToFire(by, static client =>
        {
            client.Send(new byte[100_000]);
            client.Shutdown(SocketShutdown.Send);
        });
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task ConnectionClosed_fires_after_a_first_read_that_began_when_the_end_had_been_seen(ServedBy by)
    {
        var left = new TaskCompletionSource();
        var fired = new TaskCompletionSource();
        ServedApp app = null!;
        await using (app = await ServedApp.RunAsync(by, async connection =>
        {
            await left.Task;
            using var registration = connection.ConnectionClosed.Register(fired.SetResult);
            foreach (var loop in by == ServedBy.Stock ? [] : app.State.Probes)
            {
                // The loop gets here only after it has handled what there was to see of this connection.
                var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                loop.Pass(passed.SetResult);
                await passed.Task;
            }

            Assert.Equal("request", await connection.Transport.Input.ReadTextAsync(7));
            await fired.Task;
        }))
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync("request");
            client.Shutdown(SocketShutdown.Send);
            left.SetResult();
            await Wait.ForAsync(fired.Task);
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task ConnectionClosed_has_fired_when_the_app_itself_ended_the_connection(ServedBy by)
    {
        var token = new TaskCompletionSource<CancellationToken>();
        await using var app = await ServedApp.RunAsync(by, connection =>
        {
            token.SetResult(connection.ConnectionClosed);
            return Task.CompletedTask;
        });
        using var client = await app.ConnectAsync();
        Assert.Equal("", await client.ReceiveAllAsync());
        var closed = await Wait.ForAsync(token.Task);
        await Wait.UntilAsync(() => closed.IsCancellationRequested, "the token has fired");
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_callback_of_ConnectionClosed_that_throws_does_no_harm(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            connection.ConnectionClosed.Register(static () => throw new InvalidOperationException("thrown on purpose"));
            await connection.Transport.Input.ReadTextAsync(1);
            await connection.Transport.Output.WriteAsync("ok");
        });
        for (var i = 0; i < 3; i++)
        {
            using var client = await app.ConnectAsync();
            await client.SendAsync("x");
            Assert.Equal("ok", await client.ReceiveAllAsync());
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_abort_resets_the_client_and_ends_reads_flushes_and_the_token(ServedBy by)
    {
        var connected = new TaskCompletionSource<ConnectionContext>();
        var ended = new TaskCompletionSource<(Exception Read, bool Flush, bool Token)>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var fired = new TaskCompletionSource();
            using var registration = connection.ConnectionClosed.Register(fired.SetResult);
            var pending = connection.Transport.Input.ReadAsync();
            connected.SetResult(connection);
            var exception = await Assert.ThrowsAnyAsync<Exception>(async () => await pending);
            await fired.Task;
            System.IO.Pipelines.FlushResult flush;
            do
            {
                flush = await connection.Transport.Output.WriteAsync(new byte[10]);
            }
            while (!flush.IsCompleted);

            ended.SetResult((exception, flush.IsCompleted, connection.ConnectionClosed.IsCancellationRequested));
        });
        using var client = await app.ConnectAsync();
        var reason = new ConnectionAbortedException("for the test");
        (await Wait.ForAsync(connected.Task)).Abort(reason);
        await client.ExpectResetAsync();
        var (read, flush, token) = await Wait.ForAsync(ended.Task);
        Assert.Same(reason, read);
        Assert.True(flush && token);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_abort_from_within_the_app_ends_its_next_read(ServedBy by)
    {
        var ended = new TaskCompletionSource<Exception>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            await connection.Transport.Input.ReadTextAsync(1);
            connection.Abort();
            ended.SetResult(await Assert.ThrowsAnyAsync<Exception>(async () => await connection.Transport.Input.ReadAsync()));
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("x");
        await client.ExpectResetAsync();
        Assert.IsType<ConnectionAbortedException>(await Wait.ForAsync(ended.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_abort_of_a_connection_that_cannot_be_sent_to_lets_the_app_end(ServedBy by)
    {
        var disposed = new TaskCompletionSource<ConnectionContext>();
        await using var app = await ServedApp.RunAsync(by, connection =>
        {
            // More than the kernel takes, so disposing waits for it.
            connection.Transport.Output.WriteAsync(new byte[20_000_000]).AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
            disposed.SetResult(connection);
            return Task.CompletedTask;
        });
        using var client = await app.ConnectAsync();
        (await Wait.ForAsync(disposed.Task)).Abort();
        await client.ExpectResetAsync();
        if (by != ServedBy.Stock)
        {
            await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, "the slot is back");
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Connections_that_come_and_go_in_every_way_leave_nothing_behind(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            try
            {
                var result = await connection.Transport.Input.ReadAsync();
                var how = result.Buffer.IsEmpty ? 0 : result.Buffer.FirstSpan[0] % 5;
                connection.Transport.Input.AdvanceTo(result.Buffer.End);
                switch (how)
                {
                    case 0:
                        break;
                    case 1:
                        await connection.Transport.Output.WriteAsync(new byte[1000]);
                        break;
                    case 2:
                        connection.Abort();
                        break;
                    case 3:
                        await Task.Yield();
                        await connection.Transport.Output.WriteAsync(new byte[100_000]);
                        break;
                    case 4:
                        await connection.Transport.Input.ReadAsync();
                        break;
                }
            }
            catch (ConnectionResetException)
            {
                // One of the possible outcomes.
            }
        });
        await Parallel.ForAsync(0, 300, async (i, _) =>
        {
            var client = await app.ConnectAsync();
            try
            {
                if (i % 7 != 0)
                {
                    await client.SendAllAsync(new[] { (byte)i });
                }

                switch (i % 3)
                {
                    case 0:
                        client.Reset();
                        break;
                    case 1:
                        client.Shutdown(SocketShutdown.Send);
                        await client.ReceiveAllAsync();
                        break;
                }
            }
            catch (SocketException)
            {
                // Aborted by the app: one of the possible outcomes.
            }

            client.Dispose();
        });
        if (by != ServedBy.Stock)
        {
            await Wait.UntilAsync(() => app.State.Pools.Single() is { Held: 0, Accepted: 300 }, "all were accepted and all slots are back");
        }
    }

    private static async Task ExpectClosedToFire(ServedBy by, Action<Socket> end)
    {
        var started = new TaskCompletionSource();
        var fired = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            using var registration = connection.ConnectionClosed.Register(() => fired.TrySetResult());
            started.SetResult();
            await fired.Task;
        });
        using var client = await app.ConnectAsync();
        await Wait.ForAsync(started.Task);
        end(client);
        await Wait.ForAsync(fired.Task);
    }
}
