using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>A connection's output behaves the same over every transport as over Kestrel's own.</summary>
public class WriterTests
{
    private const int MoreThanSocketsBuffer = 64 * 1024 * 1024;

    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task What_is_written_is_sent_with_the_flush_and_not_before(ServedBy by)
    {
        var unflushed = new TaskCompletionSource<long>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var output = connection.Transport.Output;
            output.Write("abc"u8);
            output.Write("def"u8);
            unflushed.SetResult(output.CanGetUnflushedBytes ? output.UnflushedBytes : -1);
            await output.FlushAsync();
            Assert.Equal(0, output.UnflushedBytes);
            await connection.Transport.Input.ReadTextAsync(1);
        });
        using var client = await app.ConnectAsync();
        Assert.Equal(6, await Wait.ForAsync(unflushed.Task));
        await client.ExpectAsync("abcdef");
        await client.SendAsync("x");
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Memory_of_any_size_is_given_and_may_be_filled_in_part(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var output = connection.Transport.Output;
            long position = 0;
            foreach (var size in (int[])[1, 4095, 1, 5000, 100_000, 0, 4096, 3])
            {
                var memory = output.GetMemory(size);
                Assert.True(memory.Length >= Math.Max(size, 1));
                var used = size - (size / 3);
                Bytes.Fill(memory.Span[..used], position);
                output.Advance(used);
                position += used;
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => output.Advance(1_000_000));
            await output.FlushAsync();
        });
        using var client = await app.ConnectAsync();
        var all = await client.ReceiveAllAsync();
        var sizes = ((int[])[1, 4095, 1, 5000, 100_000, 0, 4096, 3]).Sum(size => size - (size / 3));
        Assert.Equal(sizes, all.Length);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Output_of_64_MB_reaches_a_slow_reader_whole(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var output = connection.Transport.Output;
            for (long position = 0; position < MoreThanSocketsBuffer;)
            {
                var memory = output.GetMemory(10_000);
                Bytes.Fill(memory.Span[..10_000], position);
                var length = (int)Math.Min(10_000, MoreThanSocketsBuffer - position);
                output.Advance(length);
                position += length;
                Assert.False((await output.FlushAsync()).IsCompleted);
            }
        });
        using var client = await app.ConnectAsync(static socket => socket.ReceiveBufferSize = 16 * 1024);
        var buffer = new byte[200_000];
        long received = 0;
        for (var i = 0; ; i++)
        {
            var length = await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory()).AsTask());
            if (length == 0)
            {
                break;
            }

            Bytes.Check(buffer.AsSpan(0, length), received);
            received += length;
            if (i % 200 == 0)
            {
                await Task.Delay(1);
            }
        }

        Assert.Equal(MoreThanSocketsBuffer, received);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_flush_waits_while_the_client_takes_nothing_and_goes_on_when_it_does(ServedBy by)
    {
        var waits = new TaskCompletionSource();
        var goesOn = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            await FlushUntilItWaitsAsync(connection.Transport.Output, waits);
            goesOn.SetResult();
        });
        using var client = await app.ConnectAsync();
        await Wait.ForAsync(waits.Task);
        Assert.False(goesOn.Task.IsCompleted);
        await client.ReceiveAllAsync();
        await Wait.ForAsync(goesOn.Task);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_waiting_flush_can_be_cancelled(ServedBy by)
    {
        var waits = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource<bool>();
        ConnectionContext? served = null;
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            served = connection;
            cancelled.SetResult((await FlushUntilItWaitsAsync(connection.Transport.Output, waits)).IsCanceled);
        });
        using var client = await app.ConnectAsync();
        await Wait.ForAsync(waits.Task);
        served!.Transport.Output.CancelPendingFlush();
        Assert.True(await Wait.ForAsync(cancelled.Task));
        await client.ReceiveAllAsync();
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_waiting_flush_ends_when_its_token_is_cancelled(ServedBy by)
    {
        var waits = new TaskCompletionSource();
        var ended = new TaskCompletionSource<Exception>();
        using var source = new CancellationTokenSource();
        await using var app = await ServedApp.RunAsync(by, async connection =>
            ended.SetResult(await Assert.ThrowsAnyAsync<Exception>(() => FlushUntilItWaitsAsync(connection.Transport.Output, waits, source.Token))));
        using var client = await app.ConnectAsync();
        await Wait.ForAsync(waits.Task);
        await source.CancelAsync();
        Assert.IsAssignableFrom<OperationCanceledException>(await Wait.ForAsync(ended.Task));
        await client.ReceiveAllAsync();
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_waiting_flush_ends_completed_when_the_client_resets(ServedBy by)
    {
        var waits = new TaskCompletionSource();
        var completed = new TaskCompletionSource<bool>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
            completed.SetResult((await FlushUntilItWaitsAsync(connection.Transport.Output, waits)).IsCompleted));
        var client = await app.ConnectAsync();
        await Wait.ForAsync(waits.Task);
        client.Reset();
        Assert.True(await Wait.ForAsync(completed.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Writing_on_after_the_client_has_gone_harms_nobody(ServedBy by)
    {
        var completed = new TaskCompletionSource();
        var gone = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            using var registration = connection.ConnectionClosed.Register(gone.SetResult);
            await gone.Task;
            FlushResult result;
            do
            {
                result = await connection.Transport.Output.WriteAsync(new byte[1000]);
            }
            while (!result.IsCompleted);

            await connection.Transport.Output.WriteAsync(new byte[100_000]);
            completed.SetResult();
        });
        (await app.ConnectAsync()).Reset();
        await Wait.ForAsync(completed.Task);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_completed_output_is_sent_and_ended_while_the_app_still_runs(ServedBy by)
    {
        var release = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            connection.Transport.Output.Write("bye"u8);
            await connection.Transport.Output.CompleteAsync();
            Assert.Throws<InvalidOperationException>(() => connection.Transport.Output.GetMemory());
            await release.Task;
        });
        using var client = await app.ConnectAsync();
        Assert.Equal("bye", await client.ReceiveAllAsync());
        release.SetResult();
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task What_was_not_read_yet_is_not_lost_when_the_app_ends(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection => await connection.Transport.Output.WriteAsync(new byte[50_000]));
        using var client = await app.ConnectAsync(static socket => socket.ReceiveBufferSize = 4096);
        Assert.Equal(50_000, (await client.ReceiveAllAsync()).Length);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_app_that_ends_without_awaiting_its_last_flush_is_sent_whole_and_gives_its_slot_back(ServedBy by)
    {
        var written = new TaskCompletionSource<int>();
        await using var app = await ServedApp.RunAsync(
            by,
            connection =>
            {
                var length = 0;
                ValueTask<FlushResult> flush;
                do
                {
                    length += 65_536;
                    flush = connection.Transport.Output.WriteAsync(new byte[65_536]);
                }
                while (flush.IsCompleted);

                // Once the client reads there is room for the rest: the flush and the whole output end in one go.
                written.SetResult(length);
                return Task.CompletedTask;
            },
            static options => options.MaxWriteBufferSize = 4096);
        using var client = await app.ConnectAsync();
        var length = await Wait.ForAsync(written.Task);
        Assert.Equal(length, (await client.ReceiveAllAsync()).Length);
        if (by != ServedBy.Stock)
        {
            await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, "the slot is back");
        }
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_client_that_sent_too_much_still_reads_the_answer(ServedBy by)
    {
        var sent = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            await connection.Transport.Input.ReadTextAsync(1);
            await sent.Task;
            await connection.Transport.Output.WriteAsync("no");
        });
        using var client = await app.ConnectAsync();
        await client.SendAllAsync(new byte[100_000]);
        sent.SetResult();
        Assert.Equal("no", await client.ReceiveAllAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_output_completed_with_an_error_resets_the_connection(ServedBy by)
    {
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            await connection.Transport.Input.ReadTextAsync(1);
            await connection.Transport.Output.CompleteAsync(new InvalidOperationException("broken"));
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("x");
        await client.ExpectResetAsync();
    }

    private static async Task<FlushResult> FlushUntilItWaitsAsync(PipeWriter output, TaskCompletionSource waits, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var flush = output.WriteAsync(new byte[100_000], cancellationToken);
            if (flush.IsCompleted)
            {
                await flush;
                continue;
            }

            // In the reference, some flushes only wait for a thread; the one that waits for the client keeps waiting.
            var task = flush.AsTask();
            if (await Task.WhenAny(task, Task.Delay(300, CancellationToken.None)) != task)
            {
                waits.SetResult();
                return await task;
            }

            await task;
        }
    }
}
