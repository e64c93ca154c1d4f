using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// Keeps connections from taking the process's last descriptors.
///
/// .NET aborts the whole process when it cannot start a thread, and each new thread opens a pipe (seen with strace under
/// EMFILE: OutOfMemoryException, or "Out of memory." and the process is gone). So accepting pauses while fewer descriptors
/// than the headroom are free. The kernel hands out the lowest free number, so a high number means that all below are taken.
/// </summary>
internal sealed class DescriptorHeadroom
{
    private const int MostKept = 64;

    // The limit is per process. If it is unknown, or off Linux, there is no headroom to keep.
    private readonly int _high = OperatingSystem.IsLinux() ? HighestOf(Libc.OpenFilesLimit()) : int.MaxValue;
    private bool _isLow;

    /// <summary>Notes the number of a descriptor that was just accepted.</summary>
    public void Accepted(nint descriptor) => _isLow = descriptor >= _high;

    /// <summary>Whether accepting should pause. Asks the kernel only after a high number was seen.</summary>
    public bool IsExhausted()
    {
        if (_isLow)
        {
            _isLow = Libc.LowestFreeDescriptor() is not { Ok: true, Value: var lowest } || lowest >= _high;
        }

        return _isLow;
    }

    private static int HighestOf(long limit) => (int)Math.Min(limit - Math.Min(MostKept, limit / 8), int.MaxValue);
}
