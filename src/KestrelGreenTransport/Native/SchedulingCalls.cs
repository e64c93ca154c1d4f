using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>The scheduling of this process's threads: nice values and policies.</summary>
internal static unsafe partial class SchedulingCalls
{
    public const int SCHED_OTHER = 0;
    public const int SCHED_BATCH = 3;

    private const int PRIO_PROCESS = 0;

    /// <summary>The nice value of a thread.</summary>
    public static int NiceOf(int threadId) => getpriority(PRIO_PROCESS, threadId);

    public static Result SetNice(int threadId, int nice) => Result.From(setpriority(PRIO_PROCESS, threadId, nice));

    /// <summary>The scheduling policy of a thread. Not through the C library: musl's version fails with ENOSYS.</summary>
    public static Result PolicyOf(int threadId) => SystemCalls.Make(SystemCall.sched_getscheduler, threadId);

    public static Result SetPolicy(int threadId, int policy)
    {
        var priority = 0;
        return SystemCalls.Make(SystemCall.sched_setscheduler, threadId, policy, (nint)(&priority));
    }

    /// <summary>Whether the calling process leads its session, which then holds only processes that it started.</summary>
    public static bool LeadsSession => getsid(0) == Environment.ProcessId;

    [LibraryImport("libc")]
    private static partial int getpriority(int which, int who);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setpriority(int which, int who, int priority);

    [LibraryImport("libc")]
    private static partial int getsid(int pid);
}
