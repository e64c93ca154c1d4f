using System.Globalization;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

// The runtime ends a process in which it cannot start a thread of its own, and each CoreCLR thread has a pipe: a supervisor
// without a free descriptor would die within seconds. So whatever can wait leaves the last descriptors free.

/// <summary>What to say and do when descriptors run out. On Linux 6.2 and later, checking needs no descriptor.</summary>
internal static class Exhaustion
{
    /// <summary>How many descriptors are kept free for the runtime and for work in progress.</summary>
    public const int Kept = 32;

    /// <summary>Whether a call failed because no descriptor was free.</summary>
    public static bool IsOfDescriptors(int error) => error is Errno.EMFILE or Errno.ENFILE;

    /// <summary>Why nothing that can wait should be opened now; null while enough descriptors are free.</summary>
    public static string? Shortage() => Libc.OpenFilesLimit() - Open() is < Kept and var left
        ? string.Create(CultureInfo.InvariantCulture, $"free descriptors: {Math.Max(0, left)}, and the last {Kept} are reserved for the supervisor itself: {Remedy()}")
        : null;

    /// <summary>The system's message; if descriptors have run out, also how many there are and how to raise the limit.</summary>
    public static string Explain(Result failed) => failed.Error switch
    {
        Errno.EMFILE => $"{failed.Message}: {Remedy()}",
        Errno.ENFILE => $"{failed.Message}: the limit of the whole machine is reached. Raise it with `sysctl fs.file-max=N`",
        _ => failed.Message,
    };

    private static string Remedy() => string.Create(
        CultureInfo.InvariantCulture,
        $"this process has {Open()} open of at most {Libc.OpenFilesLimit()}. Raise LimitNOFILE= or `ulimit -n`, for now with `prlimit --pid {Environment.ProcessId} --nofile=N`");

    // Since Linux 6.2 the directory's size is the number of descriptors; before, it is 0, and counting them needs one.
    private static long Open()
    {
        const string All = "/proc/self/fd";
        if (LibcFiles.StatusOf(All) is { stx_size: > 0 and var count })
        {
            return (long)count;
        }

        try
        {
            return Directory.EnumerateFileSystemEntries(All).LongCount();
        }
        catch (IOException)
        {
            return Libc.OpenFilesLimit();
        }
    }
}
