using System.Buffers;
using KestrelGreenTransport.Epoll.Loop;
using KestrelGreenTransport.Epoll.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

public class SpareThreadTests
{
    [Fact]
    public async Task A_parked_thread_takes_no_offer_that_was_made_to_another()
    {
        var loop = Loop(Settings);
        var parked = loop.Spares.Take()!;
        loop.Spares.Return(parked);

        // It is told late, like a thread that took the offer before it was told about it.
        var ticket = loop.Ownership.BeginOffered();
        parked.TellOffer();
        Assert.False(loop.TryTakeOffer(parked));
        Assert.True(LoopOwnership.IsOffered(loop.Ownership.Word));
        Assert.True(loop.Ownership.TryEnd(ticket));
        loop.Start();
        await Wait.ForAsync(loop.StopAsync());
    }

    [Fact]
    public async Task Spare_threads_are_bounded_and_retire_but_for_one()
    {
        var loop = Loop(Settings with { SpareIdleLimit = TimeSpan.FromMilliseconds(20) });
        var taken = new List<LoopThread>();
        while (loop.Spares.Take() is { } spare)
        {
            taken.Add(spare);
        }

        // Without a connection, no handler can hold a spare thread.
        Assert.Equal(8, loop.Spares.Count);
        Assert.Equal(8, taken.Count);
        taken.ForEach(loop.Spares.Return);
        await Wait.UntilAsync(() => loop.Spares.Count == 1, "all have retired but one");
        await EndAsync(loop);
    }

    [Fact]
    public async Task A_thread_that_has_led_its_loop_ends_with_it()
    {
        var threads = new List<Thread>();
        var loop = Loop(Settings with
        {
            StartThread = thread =>
            {
                threads.Add(thread);
                thread.UnsafeStart();
            },
        });
        await EndAsync(loop);
        await Wait.UntilAsync(() => !Assert.Single(threads).IsAlive, "its thread has ended");
    }

    [Fact]
    public async Task A_thread_that_the_kernel_refuses_is_done_without_and_asked_for_again_later()
    {
        var isRefused = false;
        var loop = Loop(Settings with
        {
            StartThread = thread =>
            {
                if (isRefused)
                {
                    throw new InsufficientMemoryException("for the test");
                }

                thread.UnsafeStart();
            },
        });
        var first = loop.Spares.Take()!;
        isRefused = true;
        Assert.Null(loop.Spares.Take());
        Assert.Equal(1, loop.Spares.Count);
        isRefused = false;
        loop.Spares.Return(loop.Spares.Take()!);
        loop.Spares.Return(first);
        await EndAsync(loop);
    }

    private static LoopSettings Settings => new()
    {
        MaxReadBlocks = 1,
        MaxReadBufferSize = 4096,
        MaxWriteBufferSize = 4096,
        RunsInline = true,
        BlockingThreshold = TimeSpan.FromMilliseconds(1),
    };

    private static EventLoop Loop(LoopSettings settings) => new(1, settings, MemoryPool<byte>.Shared, TimeProvider.System, NullLogger.Instance);

    private static async Task EndAsync(EventLoop loop)
    {
        loop.Start();
        await Wait.ForAsync(loop.StopAsync());
    }
}
