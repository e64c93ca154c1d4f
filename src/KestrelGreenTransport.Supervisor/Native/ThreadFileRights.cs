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
        fixed (uint* start = user.Groups.AsSpan())
        {
            var changed = SystemCalls.Make(SystemCall.setgroups, user.Groups.Length, (nint)start);
            if (!changed.Ok)
            {
                throw new NativeException("setgroups", changed);
            }
        }

        Set(SystemCall.setfsgid, user.Gid);
        Set(SystemCall.setfsuid, user.Uid);
    }

    // Both calls return the previous id, and never an error.
    private static void Set(SystemCall call, uint id)
    {
        _ = SystemCalls.Make(call, (nint)id);
        if ((uint)SystemCalls.Make(call, NotAnId).Value != id)
        {
            throw new NativeException(call.ToString(), new Result(-1, Errno.EPERM));
        }
    }
}
