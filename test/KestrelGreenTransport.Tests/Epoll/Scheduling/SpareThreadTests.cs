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
        var settings = new LoopSettings
        {
            MaxReadBlocks = 1,
            MaxReadBufferSize = 4096,
            MaxWriteBufferSize = 4096,
            RunsInline = true,
            BlockingThreshold = TimeSpan.FromMilliseconds(1),
            MaxThreads = 4,
        };
        var loop = new EventLoop(1, settings, MemoryPool<byte>.Shared, TimeProvider.System, NullLogger.Instance);
        var parked = loop.Spares.Take()!;
        loop.Spares.Return(parked);

        // It hears late, as a thread does that took the offer before it was told of it.
        var ticket = loop.Leadership.BeginOffered();
        parked.TellOffer();
        Assert.False(loop.TryTakeOffer(parked));
        Assert.True(Leadership.IsOffered(loop.Leadership.Word));
        Assert.True(loop.Leadership.TryEnd(ticket));
        loop.Start();
        await Wait.ForAsync(loop.StopAsync());
    }
}
