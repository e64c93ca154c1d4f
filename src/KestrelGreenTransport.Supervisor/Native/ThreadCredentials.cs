using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>
/// What one thread runs as. The C library's own functions would change every thread; the kernel's change the one
/// that calls, and a child made by it starts that way.
/// </summary>
internal static unsafe class ThreadCredentials
{
    /// <summary>Takes on another user for good: groups first, since without root they cannot be changed.</summary>
    /// <exception cref="NativeException">The kernel refuses.</exception>
    public static void Become(uint uid, uint gid, ReadOnlySpan<uint> groups)
    {
        var (setGroups, setGid, setUid) = Calls();
        fixed (uint* start = groups)
        {
            Check(Posix.syscall(setGroups, groups.Length, (nint)start, 0, 0), "setgroups");
        }

        Check(Posix.syscall(setGid, (nint)gid, (nint)gid, (nint)gid, 0), "setresgid");
        Check(Posix.syscall(setUid, (nint)uid, (nint)uid, (nint)uid, 0), "setresuid");
    }

    private static (nint SetGroups, nint SetGid, nint SetUid) Calls() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (116, 119, 117),

        // The numbers that newer architectures share (asm-generic/unistd.h).
        Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64 => (159, 149, 147),
        var other => throw new NativeException($"setresuid on {other}", new Result(-1, Errno.ENOSYS)),
    };

    private static void Check(nint returned, string call)
    {
        if (returned == -1)
        {
            throw new NativeException(call, Result.From(returned));
        }
    }
}
