using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>A connection's input behaves the same over every transport as over Kestrel's own.</summary>
public class ReaderTests
{
    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Bytes_that_dribble_in_one_by_one_arrive_in_order(ServedBy by)
    {
        var text = new TaskCompletionSource<string>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            text.SetResult(await connection.Transport.Input.ReadTextAsync(50));
        });
        using var client = await app.ConnectAsync();
        var sent = new string([.. Enumerable.Range(0, 50).Select(i => (char)('0' + i))]);
        foreach (var one in sent)
        {
            await client.SendAsync(one.ToString());
            await Task.Yield();
        }

        Assert.Equal(sent, await Wait.ForAsync(text.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task What_was_examined_and_not_consumed_comes_again_with_more(ServedBy by)
    {
        var lengths = new TaskCompletionSource<(long, long, string)>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var input = connection.Transport.Input;
            var first = await input.ReadAsync();
            var firstLength = first.Buffer.Length;
            input.AdvanceTo(first.Buffer.Start, first.Buffer.End);
            await connection.Transport.Output.WriteAsync("more");
            var second = await input.ReadAsync();
            var secondLength = second.Buffer.Length;
            input.AdvanceTo(second.Buffer.GetPosition(1), second.Buffer.GetPosition(3));

            // Not everything was examined, so this read completes at once.
            var third = input.ReadAsync();
            Assert.True(third.IsCompleted);
            lengths.SetResult((firstLength, secondLength, Encoding.ASCII.GetString((await third).Buffer)));
            input.AdvanceTo(third.Result.Buffer.End);
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("abcd");
        await client.ExpectAsync("more");
        await client.SendAsync("efgh");
        Assert.Equal((4, 8, "bcdefgh"), await Wait.ForAsync(lengths.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_message_larger_than_a_block_is_one_sequence(ServedBy by)
    {
        const int Size = 300_000;
        var received = new TaskCompletionSource<byte[]>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var result = await connection.Transport.Input.ReadAtLeastAsync(Size);
            received.SetResult(result.Buffer.ToArray());
            connection.Transport.Input.AdvanceTo(result.Buffer.End);
        });
        using var client = await app.ConnectAsync();
        var sent = new byte[Size];
        Bytes.Fill(sent, 0);
        await client.SendAllAsync(sent);
        Assert.Equal(sent, await Wait.ForAsync(received.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_pending_read_can_be_cancelled_and_read_again(ServedBy by)
    {
        var connected = new TaskCompletionSource<ConnectionContext>();
        var events = new TaskCompletionSource<string>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var input = connection.Transport.Input;
            var pending = input.ReadAsync();
            connected.SetResult(connection);
            var cancelled = await pending;
            input.AdvanceTo(cancelled.Buffer.Start);

            // Cancelled before it begins: exactly one read is cancelled.
            input.CancelPendingRead();
            var again = await input.ReadAsync();
            input.AdvanceTo(again.Buffer.Start);
            await connection.Transport.Output.WriteAsync("go");
            var last = await input.ReadAsync();
            events.SetResult($"{cancelled.IsCanceled} {again.IsCanceled} {last.IsCanceled} {Encoding.ASCII.GetString(last.Buffer)}");
            input.AdvanceTo(last.Buffer.End);
        });
        using var client = await app.ConnectAsync();
        (await Wait.ForAsync(connected.Task)).Transport.Input.CancelPendingRead();
        await client.ExpectAsync("go");
        await client.SendAsync("x");
        Assert.Equal("True True False x", await Wait.ForAsync(events.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_read_that_gave_nothing_may_be_advanced_and_need_not_be(ServedBy by)
    {
        var text = new TaskCompletionSource<string>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var input = connection.Transport.Input;
            try
            {
                Assert.False(input.TryRead(out var nothing));
                input.AdvanceTo(nothing.Buffer.Start);
                Assert.False(input.TryRead(out _));
                foreach (var advances in (bool[])[true, false])
                {
                    input.CancelPendingRead();
                    var cancelled = await input.ReadAsync();
                    Assert.True(cancelled.IsCanceled);
                    if (advances)
                    {
                        input.AdvanceTo(cancelled.Buffer.Start, cancelled.Buffer.End);
                    }
                }

                using var source = new CancellationTokenSource();
                var waiting = input.ReadAsync(source.Token);
                await source.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
                input.AdvanceTo(default);
                await connection.Transport.Output.WriteAsync("send");
                text.SetResult(await input.ReadTextAsync(4));
                Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(default));
            }
            catch (Exception exception)
            {
                text.TrySetException(exception);
            }
        });
        using var client = await app.ConnectAsync();
        await client.ExpectAsync("send");
        await client.SendAsync("text");
        Assert.Equal("text", await Wait.ForAsync(text.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_read_ends_when_its_token_is_cancelled_and_the_next_one_works(ServedBy by)
    {
        var text = new TaskCompletionSource<string>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            using var source = new CancellationTokenSource();
            var pending = connection.Transport.Input.ReadAsync(source.Token);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pending);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await connection.Transport.Input.ReadAsync(source.Token));
            await connection.Transport.Output.WriteAsync("go");
            using var unused = new CancellationTokenSource();
            var result = await connection.Transport.Input.ReadAsync(unused.Token);
            text.SetResult(Encoding.ASCII.GetString(result.Buffer));
            connection.Transport.Input.AdvanceTo(result.Buffer.End);
        });
        using var client = await app.ConnectAsync();
        await client.ExpectAsync("go");
        await client.SendAsync("x");
        Assert.Equal("x", await Wait.ForAsync(text.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task TryRead_gives_what_is_there_and_never_waits(ServedBy by)
    {
        var text = new TaskCompletionSource<string>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var input = connection.Transport.Input;
            Assert.False(input.TryRead(out _));
            await connection.Transport.Output.WriteAsync("go");
            ReadResult result = default;
            await Wait.UntilAsync(() => input.TryRead(out result), "the bytes are there");
            text.SetResult(Encoding.ASCII.GetString(result.Buffer));
            input.AdvanceTo(result.Buffer.End);
            Assert.False(input.TryRead(out _));
        });
        using var client = await app.ConnectAsync();
        await client.ExpectAsync("go");
        await client.SendAsync("x");
        Assert.Equal("x", await Wait.ForAsync(text.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task An_end_of_stream_comes_with_the_last_bytes_or_after_them_and_stays(ServedBy by)
    {
        var text = new TaskCompletionSource<string>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var input = connection.Transport.Input;
            ReadResult result;
            do
            {
                result = await input.ReadAsync();
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
            while (!result.IsCompleted);

            result = await input.ReadAsync();
            Assert.True(result.IsCompleted);
            text.SetResult(Encoding.ASCII.GetString(result.Buffer));
            input.AdvanceTo(result.Buffer.End);
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("last words");
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("last words", await Wait.ForAsync(text.Task));
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_reset_ends_a_pending_read_with_its_reason(ServedBy by)
    {
        var reading = new TaskCompletionSource();
        var ended = new TaskCompletionSource<Exception>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var pending = connection.Transport.Input.ReadAsync();
            reading.SetResult();
            ended.SetResult(await Assert.ThrowsAnyAsync<Exception>(async () => await pending));
        });
        var client = await app.ConnectAsync();
        await Wait.ForAsync(reading.Task);
        client.Reset();
        Assert.IsType<ConnectionResetException>(await Wait.ForAsync(ended.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_read_that_waits_when_the_app_ends_is_ended(ServedBy by)
    {
        var reading = new TaskCompletionSource<Task>();
        await using var app = await ServedApp.RunAsync(by, connection =>
        {
            reading.SetResult(connection.Transport.Input.ReadAsync().AsTask());
            return Task.CompletedTask;
        });
        using var client = await app.ConnectAsync();
        Assert.Equal("", await client.ReceiveAllAsync());
        var read = await Wait.ForAsync(reading.Task);
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => Wait.ForAsync(read));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_read_that_waits_when_the_output_is_completed_and_sent_is_ended(ServedBy by)
    {
        var ended = new TaskCompletionSource<Exception?>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var pending = connection.Transport.Input.ReadAsync();
            await connection.Transport.Output.WriteAsync("bye");
            await connection.Transport.Output.CompleteAsync();
            ended.SetResult(await Record.ExceptionAsync(async () => await pending));
        });
        using var client = await app.ConnectAsync();
        Assert.Equal("bye", await client.ReceiveAllAsync());
        Assert.IsType<ConnectionAbortedException>(await Wait.ForAsync(ended.Task));
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_reader_refuses_what_makes_no_sense(ServedBy by)
    {
        var done = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            try
            {
                var input = connection.Transport.Input;
                var result = await input.ReadAsync();
                await Assert.ThrowsAsync<InvalidOperationException>(async () => await input.ReadAsync());
                var end = result.Buffer.End;
                Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(end, result.Buffer.Start));
                input.AdvanceTo(result.Buffer.End);
                await input.CompleteAsync();
                await Assert.ThrowsAsync<InvalidOperationException>(async () => await input.ReadAsync());
                Assert.Throws<InvalidOperationException>(() => input.TryRead(out _));
                done.SetResult();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("x");
        await Wait.ForAsync(done.Task);
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task A_64_MB_upload_to_a_slow_app_arrives_whole(ServedBy by)
    {
        const long Size = 64L * 1024 * 1024;
        var received = new TaskCompletionSource<long>();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var input = connection.Transport.Input;
            long position = 0;
            for (var i = 0; ; i++)
            {
                var result = await input.ReadAsync();
                foreach (var segment in result.Buffer)
                {
                    Bytes.Check(segment.Span, position);
                    position += segment.Length;
                }

                input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }

                if (i % 100 == 0)
                {
                    await Task.Delay(1);
                }
            }

            received.SetResult(position);
        });
        using var client = await app.ConnectAsync();
        var buffer = new byte[256 * 1024];
        for (long position = 0; position < Size; position += buffer.Length)
        {
            Bytes.Fill(buffer, position);
            await client.SendAllAsync(buffer);
        }

        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(Size, await Wait.ForAsync(received.Task));
    }
}
