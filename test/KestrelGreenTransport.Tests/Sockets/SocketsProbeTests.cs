using KestrelGreenTransport.Sockets;

namespace KestrelGreenTransport.Tests.Sockets;

public class SocketsProbeTests
{
    [Fact]
    public async Task A_probe_passes_through_the_engine_each_time_it_is_asked()
    {
        await using var probe = new SocketsProbe();
        for (var i = 0; i < 10; i++)
        {
            var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            probe.Pass(passed.SetResult);
            await Wait.ForAsync(passed.Task);
        }
    }

    [Fact]
    public async Task Asking_more_often_than_the_socket_holds_bytes_blocks_nobody_and_forgets_nobody()
    {
        await using var probe = new SocketsProbe();
        var passed = 0;
        for (var i = 0; i < 100_000; i++)
        {
            probe.Pass(() => Interlocked.Increment(ref passed));
        }

        await Wait.UntilAsync(() => Volatile.Read(ref passed) == 100_000, "all have passed");
    }

    [Fact]
    public async Task Asking_after_the_end_does_nothing()
    {
        var probe = new SocketsProbe();
        await probe.DisposeAsync();
        probe.Pass(() => Assert.Fail("passed after the end"));
    }
}
