using System.Globalization;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

// The runtime ends a process in which it cannot start a thread of its own, and each thread of CoreCLR has a pipe: a supervisor
// without a single descriptor would die within seconds. So what can wait leaves the last ones alone.

/// <summary>What there is to say, and to do, when descriptors run out. Looking costs none of them.</summary>
internal static unsafe class Exhaustion
{
    /// <summary>How many descriptors are left to the runtime, and to what is under way.</summary>
    public const int Kept = 32;

    /// <summary>Whether a call failed for want of descriptors.</summary>
    public static bool IsOfDescriptors(int error) => error is Errno.EMFILE or Errno.ENFILE;

    /// <summary>Why nothing should be opened now that can wait; null while there is enough.</summary>
    public static string? Shortage() => Libc.OpenFilesLimit() - Open() is < Kept and var left
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, left)} descriptors are left, and the last {Kept} are kept for what runs: {Remedy()}")
        : null;

    /// <summary>The system's words, and where descriptors have run out, how many there are and who can give more.</summary>
    public static string Explain(Result failed) => failed.Error switch
    {
        Errno.EMFILE => $"{failed.Message}: {Remedy()}",
        Errno.ENFILE => $"{failed.Message}: the whole machine has. Raise it by `sysctl fs.file-max=N`",
        _ => failed.Message,
    };

    private static string Remedy() => string.Create(
        CultureInfo.InvariantCulture,
        $"this process has {Open()} open and may have {Libc.OpenFilesLimit()}. Raise LimitNOFILE= or `ulimit -n`, for now by `prlimit --pid {Environment.ProcessId} --nofile=N`");

    // Since Linux 6.2 the directory's size is their number; before, it is 0, and a look costs one after all.
    private static long Open()
    {
        const string All = "/proc/self/fd";
        LibcFiles.Statx status;
        if (Posix.statx(Libc.AT_FDCWD, All, 0, Posix.STATX_BASIC_STATS, &status) == 0 && status.stx_size > 0)
        {
            return (long)status.stx_size;
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
