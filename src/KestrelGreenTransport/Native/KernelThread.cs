using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>What the kernel knows about one thread of this process.</summary>
internal static unsafe partial class KernelThread
{
    /// <summary>Returned by <see cref="ReadState"/> if the kernel does not say.</summary>
    public const char Unknown = '?';

    private const int ThreadUsage = 1;
    private const int CpuClockOfThread = 6;
    private const int MaxStat = 512;

    /// <summary>The calling thread's id.</summary>
    public static int CurrentId => (int)SystemCalls.Make(SystemCall.gettid).Value;

    /// <summary>The CPU time that a thread has used, in nanoseconds; -1 if there is no such thread.</summary>
    public static long CpuTime(int threadId)
    {
        // The clock id of a thread, as pthread_getcpuclockid builds it.
        Libc.TimeSpec time;
        return clock_gettime((~threadId << 3) | CpuClockOfThread, &time) == 0 ? (time.Seconds * 1_000_000_000L) + time.Nanoseconds : -1;
    }

    /// <summary>How often the calling thread gave up its processor itself, by sleeping or waiting.</summary>
    public static long VoluntarySwitches()
    {
        Usage usage;
        return getrusage(ThreadUsage, &usage) == 0 ? usage.VoluntarySwitches : 0;
    }

    /// <summary>Opens the file that <see cref="ReadState"/> reads; negative if that fails.</summary>
    public static int OpenState(int threadId) => LibcFiles.open($"/proc/self/task/{threadId}/stat", LibcFiles.O_RDONLY | LibcFiles.O_CLOEXEC, 0);

    /// <summary>R running or ready to run, S sleeping, D waiting for a device, T stopped …; <see cref="Unknown"/> if it cannot be read.</summary>
    public static char ReadState(int descriptor)
    {
        var text = stackalloc byte[MaxStat];
        var length = (int)pread(descriptor, text, MaxStat, 0);

        // The state follows the name, which is in parentheses and may contain some itself.
        var name = new ReadOnlySpan<byte>(text, Math.Max(length, 0)).LastIndexOf((byte)')');
        return name >= 0 && name + 2 < length ? (char)text[name + 2] : Unknown;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, Libc.TimeSpec* time);

    [LibraryImport("libc")]
    private static partial int getrusage(int who, Usage* usage);

    [LibraryImport("libc")]
    private static partial nint pread(int descriptor, byte* buffer, nuint count, nint offset);

    [StructLayout(LayoutKind.Sequential)]
    private struct Usage
    {
        public fixed long Before[16];
        public nint VoluntarySwitches;
        public nint InvoluntarySwitches;
    }
}
