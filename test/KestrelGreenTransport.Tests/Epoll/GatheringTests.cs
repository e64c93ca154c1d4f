using System.Buffers;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Epoll.Scheduling;

namespace KestrelGreenTransport.Tests.Epoll;

/// <summary>Flushes that are sent together: none is lost, duplicated or late, and nothing is left behind.</summary>
public class GatheringTests
{
    public static TheoryData<ServedBy> ByAll => ServedApp.ByAll;

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task Flushes_beside_a_read_that_waits_arrive_whole_and_in_order(ServedBy by)
    {
        const int Flushes = 5000;
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            var end = connection.Transport.Input.ReadTextAsync(1);
            var output = connection.Transport.Output;
            await Task.Run(async () =>
            {
                long position = 0;
                for (var i = 0; i < Flushes; i++)
                {
                    var length = 1 + (i * 37 % 300);
                    Bytes.Fill(output.GetSpan(length)[..length], position);
                    output.Advance(length);
                    position += length;
                    await output.FlushAsync();
                }
            });
            Assert.Equal("x", await end);
        });
        using var client = await app.ConnectAsync();
        var total = Enumerable.Range(0, Flushes).Sum(static i => 1 + (i * 37 % 300));
        var received = new byte[total];
        for (var got = 0; got < total;)
        {
            var some = await Wait.ForAsync(client.ReceiveAsync(received.AsMemory(got)).AsTask());
            Assert.NotEqual(0, some);
            got += some;
        }

        Bytes.Check(received, 0);
        await client.SendAsync("x");
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task What_was_flushed_arrives_though_the_handler_then_blocks(ServedBy by)
    {
        using var arrived = new ManualResetEventSlim();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            // Nothing in between: with the app inline, this continues within the event.
            connection.Transport.Input.AdvanceTo((await connection.Transport.Input.ReadAsync()).Buffer.End);
            connection.Transport.Output.Write("one"u8);
            await connection.Transport.Output.FlushAsync();
            connection.Transport.Output.Write("two"u8);
            await connection.Transport.Output.FlushAsync();
            Assert.True(arrived.Wait(Wait.Limit));
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("ask");
        await client.ExpectAsync("onetwo");
        arrived.Set();
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory]
    [MemberData(nameof(ByAll))]
    public async Task The_end_of_the_output_arrives_though_the_handler_then_blocks(ServedBy by)
    {
        using var arrived = new ManualResetEventSlim();
        await using var app = await ServedApp.RunAsync(by, async connection =>
        {
            // Nothing in between: with the app inline, this continues within the event.
            connection.Transport.Input.AdvanceTo((await connection.Transport.Input.ReadAsync()).Buffer.End);
            connection.Transport.Output.Write("last"u8);
            await connection.Transport.Output.FlushAsync();
            await connection.Transport.Output.CompleteAsync();
            Assert.True(arrived.Wait(Wait.Limit));
        });
        using var client = await app.ConnectAsync();
        await client.SendAsync("ask");
        Assert.Equal("last", await client.ReceiveAllAsync());
        arrived.Set();
    }

    [Fact]
    public async Task A_question_and_its_answer_allocate_nothing()
    {
        const int Rounds = 1000;
        var allocated = new TaskCompletionSource<long>();
        await using var app = await ServedApp.RunAsync(
            ServedBy.EpollInline,
            async connection =>
            {
                var (input, output) = (connection.Transport.Input, connection.Transport.Output);
                var (thread, before) = (0, 0L);
                for (var i = 0; i < 2 * Rounds; i++)
                {
                    var read = await input.ReadAsync();
                    if (i == Rounds)
                    {
                        (thread, before) = (Environment.CurrentManagedThreadId, GC.GetAllocatedBytesForCurrentThread());
                    }

                    input.AdvanceTo(read.Buffer.End);
                    output.Write("answer"u8);
                    await output.FlushAsync();
                }

                var after = GC.GetAllocatedBytesForCurrentThread();
                Assert.NotNull(LoopThread.Current);
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
                allocated.SetResult(after - before);
            },
            static options => options.EventLoops = 1);
        using var client = await app.ConnectAsync();
        for (var i = 0; i < 2 * Rounds; i++)
        {
            await client.SendAsync("ask");
            await client.ExpectAsync("answer");
        }

        Assert.Equal(0, await Wait.ForAsync(allocated.Task));
    }

    [Fact]
    public async Task A_loop_that_spins_answers_and_still_falls_asleep()
    {
        await using var app = await ServedApp.RunAsync(
            ServedBy.EpollAdaptive,
            static async connection =>
            {
                while (await connection.Transport.Input.ReadTextAsync(3) == "ask")
                {
                    connection.Transport.Output.Write("answer"u8);
                    await connection.Transport.Output.FlushAsync();
                }
            },
            static options => (options.EventLoops, options.SpinTime) = (1, TimeSpan.FromMilliseconds(10)));
        using var client = await app.ConnectAsync();
        for (var i = 0; i < 200; i++)
        {
            await client.SendAsync("ask");
            await client.ExpectAsync("answer");
        }

        await client.SendAsync("end");
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory]
    [InlineData(1, false, false, true)]
    [InlineData(8, true, false, true)]
    [InlineData(8, false, false, false)]
    [InlineData(1, true, true, false)]
    public void The_thread_pool_looks_for_work_less_where_that_takes_a_processor_from_others(int processors, bool isWorker, bool isSet, bool shortens) =>
        Assert.Equal(shortens, PoolSpin.LimitFor(processors, isWorker, isSet) is not null);
}
