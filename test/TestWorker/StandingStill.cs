using System.Globalization;
using System.Runtime.InteropServices;

namespace TestWorker;

/// <summary>Ways to make a part of the process stand still that managed code alone cannot.</summary>
internal static partial class StandingStill
{
    private const int CLOCK_MONOTONIC = 1;
    private const int SIGUSR2 = 12;

    /// <summary>
    /// A garbage collection that takes this long: it has to wait for a thread that is in the kernel but counts as running managed
    /// code. All other threads wait too, as in any collection.
    /// </summary>
    public static void PauseCollector(int ms)
    {
        var timer = timerfd_create(CLOCK_MONOTONIC, 0);
        var once = new TimerSpan { Seconds = ms / 1000, Nanoseconds = (ms % 1000) * 1_000_000L };
        Marshal.ThrowExceptionForHR(timerfd_settime(timer, 0, in once, 0) == 0 ? 0 : Marshal.GetHRForLastWin32Error());
        using var begins = new ManualResetEventSlim();
        var holder = new Thread(() =>
        {
            begins.Set();

            // The signal with which the collector asks the thread to stop interrupts this read, and the kernel restarts it.
            _ = read(timer, out _, sizeof(ulong));
            _ = close(timer);
        });
        holder.Start();
        begins.Wait();
        while (holder.IsAlive)
        {
            GC.Collect();
        }
    }

    /// <summary>Makes only the heartbeat thread stand still, for ever: it waits in a signal handler.</summary>
    public static void StopBeatThread()
    {
        var beat = Directory.EnumerateDirectories("/proc/self/task").Single(static task => File.ReadAllText(Path.Combine(task, "comm")).Trim() == "green-beat");
        _ = signal(SIGUSR2, NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "pause"));
        _ = tgkill(Environment.ProcessId, int.Parse(Path.GetFileName(beat), CultureInfo.InvariantCulture), SIGUSR2);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int timerfd_create(int clock, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int timerfd_settime(int fd, int flags, in TimerSpan value, nint old);

    [LibraryImport("libc")]
    [SuppressGCTransition]
    private static partial nint read(int fd, out ulong value, nuint size);

    [LibraryImport("libc")]
    private static partial int close(int fd);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);

    [LibraryImport("libc")]
    private static partial int tgkill(int process, int thread, int number);

    // struct itimerspec, whose first half is the interval.
    private struct TimerSpan
    {
        public long IntervalSeconds;
        public long IntervalNanoseconds;
        public long Seconds;
        public long Nanoseconds;
    }
}
