using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>
/// The user as which one thread accesses files, and nothing else. The thread's other ids stay as they are, since they decide
/// who may send signals to it, and so to the process.
/// </summary>
internal static unsafe class ThreadFileRights
{
    private const nint NotAnId = -1;

    /// <summary>Takes on another user's file rights for good; root's override of file permissions is lost.</summary>
    /// <exception cref="NativeException">The kernel refuses.</exception>
    public static void TakeOn(ProcessCredentials user)
    {
        var (setGroups, setGid, setUid) = Calls();
        fixed (uint* start = user.Groups.AsSpan())
        {
            var changed = Result.From(Posix.syscall(setGroups, user.Groups.Length, (nint)start, 0, 0));
            if (!changed.Ok)
            {
                throw new NativeException("setgroups", changed);
            }
        }

        Set(setGid, user.Gid, "setfsgid");
        Set(setUid, user.Uid, "setfsuid");
    }

    // Both calls return the previous id, and never an error.
    private static void Set(nint call, uint id, string name)
    {
        _ = Posix.syscall(call, (nint)id, 0, 0, 0);
        if ((uint)Posix.syscall(call, NotAnId, 0, 0, 0) != id)
        {
            throw new NativeException(name, new Result(-1, Errno.EPERM));
        }
    }

    private static (nint SetGroups, nint SetGid, nint SetUid) Calls() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (116, 123, 122),

        // The numbers shared by newer architectures (asm-generic/unistd.h).
        Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64 => (159, 152, 151),
        var other => throw new NativeException($"setfsuid on {other}", new Result(-1, Errno.ENOSYS)),
    };
}
