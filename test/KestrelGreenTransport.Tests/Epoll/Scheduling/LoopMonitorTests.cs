using KestrelGreenTransport.Epoll.Scheduling;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Tests.Epoll.Scheduling;

public class LoopMonitorTests
{
    private static readonly TimeSpan Threshold = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void A_leader_whose_state_could_not_be_opened_is_seen_to_block_once_it_can()
    {
        using var sleeper = new Sleeper();
        var failures = 3;
        using var monitor = new LoopMonitor(new BusyLoop(sleeper.Id), id => failures-- > 0 ? -1 : KernelThread.OpenState(id));
        for (var look = 0; look < 3; look++)
        {
            Assert.Equal(LoopVerdict.Running, monitor.Look(Threshold));
        }

        AssertBlocks(monitor);
    }

    [Fact]
    public void A_leader_with_the_number_of_a_thread_that_has_ended_is_seen_to_block()
    {
        using var sleeper = new Sleeper();
        var loop = new BusyLoop(sleeper.Id);
        var opened = 0;

        // The file of the thread that had this id before, which can no longer be read.
        using var monitor = new LoopMonitor(loop, id => opened++ == 0 ? OpenEnded() : KernelThread.OpenState(id));
        Assert.Equal(LoopVerdict.Running, monitor.Look(Threshold));
        AssertBlocks(monitor);
        Assert.Equal(2, opened);
    }

    // Looks repeatedly, since after a garbage collection between two looks the second one counts as the first.
    private static void AssertBlocks(LoopMonitor monitor) =>
        Assert.True(SpinWait.SpinUntil(() => monitor.Look(Threshold) == LoopVerdict.Blocks, Wait.Limit), "The guard is blind.");

    private static int OpenEnded()
    {
        int descriptor;
        using (var ended = new Sleeper())
        {
            descriptor = KernelThread.OpenState(ended.Id);
        }

        Assert.True(SpinWait.SpinUntil(() => KernelThread.ReadState(descriptor) == KernelThread.Unknown, Wait.Limit), "The kernel still knows the thread.");
        return descriptor;
    }

    /// <summary>A thread that sleeps until the test ends.</summary>
    private sealed class Sleeper : IDisposable
    {
        private readonly ManualResetEventSlim _started = new();
        private readonly FutexWord _end = new();
        private readonly Thread _thread;

        public Sleeper()
        {
            _thread = new Thread(() =>
            {
                Id = KernelThread.CurrentId;
                _started.Set();
                while (_end.Value == 0)
                {
                    _end.WaitWhile(0, null);
                }
            });
            _thread.Start();
            _started.Wait();
            var state = KernelThread.OpenState(Id);
            Assert.True(SpinWait.SpinUntil(() => KernelThread.ReadState(state) == 'S', Wait.Limit), "The thread does not sleep.");
            _ = SocketCalls.close(state);
        }

        public int Id { get; private set; }

        public void Dispose()
        {
            _end.Value = 1;
            _end.WakeOne();
            _thread.Join();
            _started.Dispose();
        }
    }

    /// <summary>A loop whose leader always runs the app for the same event.</summary>
    private sealed class BusyLoop : IGuardedLoop
    {
        public BusyLoop(int leader)
        {
            LeaderId = leader;
            Ownership.BeginBusy();
        }

        public LoopOwnership Ownership { get; } = new();

        public int LeaderId { get; }

        public bool HandsOn { get; set; }

        public void RepeatOffer()
        {
        }

        public bool TryGiveToSpare(long seen, bool computes) => false;

        public int TakeBlockedCount() => 0;
    }
}
