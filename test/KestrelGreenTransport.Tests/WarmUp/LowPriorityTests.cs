using System.Globalization;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.WarmUp;

namespace KestrelGreenTransport.Tests.WarmUp;

// Not in parallel: another test's warm-up would keep the priority low.
[CollectionDefinition(nameof(LowPriorityTests), DisableParallelization = true)]
[Collection(nameof(LowPriorityTests))]
public class LowPriorityTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_thread_comes_back_and_so_do_those_that_were_made_meanwhile(bool mayBeNice)
    {
        var own = SchedulingCalls.NiceOf(ThreadAffinity.Caller);
        using var made = new ManualResetEventSlim();
        using var done = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            made.Set();
            done.Wait();
        });
        using (LowPriority.Begin(mayBeNice && LowPriority.MayComeBack()))
        {
            Assert.True(IsLow(KernelThread.CurrentId, own));
            thread.Start();
            made.Wait();
            Assert.Contains(Threads(), one => IsLow(one, own));
        }

        Assert.DoesNotContain(Threads(), one => IsLow(one, own));
        done.Set();
        thread.Join();
    }

    private static bool IsLow(int thread, int own) => SchedulingCalls.NiceOf(thread) > own || SchedulingCalls.PolicyOf(thread).Value == SchedulingCalls.SCHED_BATCH;

    private static List<int> Threads() =>
        [.. Directory.EnumerateDirectories("/proc/self/task").Select(static folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture))];
}
