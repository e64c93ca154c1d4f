using System.Net.Sockets;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace KestrelGreenTransport.Tests.Fuzz;

/// <summary>Rare orders of steps, each made certain: another thread runs at one named point (<see cref="Interleaving"/>).</summary>
[Collection(nameof(InterleavingFuzzTests))]
public class InterleavedConnectionTests
{
#if DEBUG
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_handler_flushed_is_sent_though_its_loop_was_taken_before_it_began(bool handsOn)
    {
        using var arrived = new ManualResetEventSlim();
        using var led = new ManualResetEventSlim();
        var waits = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(
            ServedBy.EpollAdaptive,
            async connection =>
            {
                await connection.Transport.Output.WriteAsync("hello");
                var read = connection.Transport.Input.ReadAsync();
                waits.SetResult();
                connection.Transport.Input.AdvanceTo((await read).Buffer.End);
                await connection.Transport.Output.WriteAsync("answer");
                Assert.True(arrived.Wait(Wait.Limit));
            },
            static options => options.EventLoops = 1);
        var loop = (EventLoop)app.State.Probes.Single();
        using var client = await app.ConnectAsync();
        await client.ExpectAsync("hello");
        await Wait.ForAsync(waits.Task);
        var isArmed = 1;
        Interleaving.Visitor = point =>
        {
            if (point == "a thread leads")
            {
                led.Set();
            }
            else if (point.StartsWith("the app begins", StringComparison.Ordinal) && Interlocked.Exchange(ref isArmed, 0) == 1)
            {
                led.Reset();
                Assert.True(loop.TryGiveToSpare(loop.Ownership.Word, computes: false));
                Assert.True(led.Wait(Wait.Limit));
            }
        };
        try
        {
            loop.HandsOn = handsOn;
            await client.SendAsync("ask");
            await client.ExpectAsync("answer");
        }
        finally
        {
            Interleaving.Visitor = null;
            arrived.Set();
        }
    }

    [Fact]
    public async Task A_read_that_begins_while_the_loop_looks_at_a_reset_ends_with_the_reset()
    {
        using var began = new ManualResetEventSlim();
        var looks = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource<Exception?>();
        var isWatched = new TaskCompletionSource();
        await using var app = await ServedApp.RunAsync(ServedBy.EpollThreadPool, async connection =>
        {
            _ = connection.ConnectionClosed;
            isWatched.SetResult();
            await looks.Task;
            var read = connection.Transport.Input.ReadAsync();
            began.Set();
            ended.SetResult(await Record.ExceptionAsync(async () => await read));
        });
        var client = await app.ConnectAsync();
        await Wait.ForAsync(isWatched.Task);
        Interleaving.Visitor = point =>
        {
            if (point == "a hang-up was looked at")
            {
                looks.TrySetResult();
                Assert.True(began.Wait(Wait.Limit));
            }
        };
        try
        {
            client.Reset();
            Assert.IsType<ConnectionResetException>(await Wait.ForAsync(ended.Task));
        }
        finally
        {
            Interleaving.Visitor = null;
            began.Set();
        }
    }

    [Fact]
    public async Task The_descriptor_stays_open_while_the_loop_looks_at_a_hang_up_though_the_app_has_disposed()
    {
        using var isDisposed = new ManualResetEventSlim();
        var looks = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handle = new TaskCompletionSource<nint>();
        await using var app = await ServedApp.RunAsync(ServedBy.EpollThreadPool, async connection =>
        {
            _ = connection.ConnectionClosed;
            handle.SetResult(connection.Features.Get<IConnectionSocketFeature>()!.Socket.Handle);
            await looks.Task;
        });
        using var client = await app.ConnectAsync();
        var number = await Wait.ForAsync(handle.Task);
        Interleaving.Visitor = point =>
        {
            if (point == "a hang-up is about to be looked at")
            {
                looks.TrySetResult();
                Assert.True(isDisposed.Wait(Wait.Limit));
            }
        };
        try
        {
            client.Shutdown(SocketShutdown.Send);
            await Wait.ForAsync(looks.Task);
            await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, "the app has disposed the connection");
            Socket[] others = [.. Enumerable.Range(0, 20).Select(static _ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))];
            Assert.DoesNotContain(number, others.Select(static other => other.Handle));
            Array.ForEach(others, static other => other.Dispose());
        }
        finally
        {
            Interleaving.Visitor = null;
            isDisposed.Set();
        }
    }
#endif

    [Fact]
    public async Task A_first_look_at_ConnectionClosed_after_disposal_does_nothing_to_the_connection_that_has_the_descriptor_now()
    {
        const int Others = 20;
        var first = new TaskCompletionSource<ConnectionContext>();
        var looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await ServedApp.RunAsync(
            ServedBy.EpollThreadPool,
            async connection =>
            {
                if (first.TrySetResult(connection))
                {
                    return;
                }

                await connection.Transport.Output.WriteAsync("begun");
                await looked.Task;
                await connection.Transport.Input.ReadTextAsync(3);
                await connection.Transport.Output.WriteAsync("answer");
            },
            static options => options.EventLoops = 1);
        using (var client = await app.ConnectAsync())
        {
            Assert.Equal("", await client.ReceiveAllAsync());
        }

        await Wait.UntilAsync(() => app.State.Pools.Single().Held == 0, "the first connection is disposed");
        Socket[] others = await Task.WhenAll(Enumerable.Range(0, Others).Select(_ => app.ConnectAsync()));
        foreach (var other in others)
        {
            await other.ExpectAsync("begun");
        }

        Assert.True((await first.Task).ConnectionClosed.IsCancellationRequested);
        looked.SetResult();
        foreach (var other in others)
        {
            await other.SendAsync("ask");
            Assert.Equal("answer", await other.ReceiveAllAsync());
            other.Dispose();
        }
    }
}
