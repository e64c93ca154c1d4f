using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>The processors that a thread of this process may run on, by the kernel's numbers.</summary>
internal static unsafe partial class ThreadAffinity
{
    private const int MaskBytes = 1024 / 8;

    /// <summary>Means the calling thread, in place of a thread id.</summary>
    public const int Caller = 0;

    /// <summary>The processors that this thread may run on; all that .NET sees if the kernel does not say.</summary>
    public static IReadOnlyList<int> Read(int threadId)
    {
        var mask = stackalloc byte[MaskBytes];
        return sched_getaffinity(threadId, MaskBytes, mask) < 0
            ? [.. Enumerable.Range(0, Environment.ProcessorCount)]
            : [.. Enumerable.Range(0, MaskBytes * 8).Where(processor => (mask[processor / 8] & (1 << (processor % 8))) != 0)];
    }

    /// <summary>Ties a thread to these processors.</summary>
    public static Result Tie(int threadId, IEnumerable<int> processors)
    {
        var mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        foreach (var processor in processors)
        {
            mask[processor / 8] |= (byte)(1 << (processor % 8));
        }

        return Result.From(sched_setaffinity(threadId, MaskBytes, mask));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sched_getaffinity(int threadId, nuint size, byte* mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sched_setaffinity(int threadId, nuint size, byte* mask);
}
