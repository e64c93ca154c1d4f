using System.Runtime.InteropServices;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>Does something as another user, really: on a thread that becomes that one and ends. Only root can.</summary>
internal static class AsUser
{
    public static T Run<T>(uint user, Func<T> what)
    {
        var done = new TaskCompletionSource<T>();
        var thread = new Thread(() =>
        {
            try
            {
                Become(user);
                done.SetResult(what());
            }
            catch (Exception failed)
            {
                done.SetException(failed);
            }
        })
        { IsBackground = true };
        thread.Start();
        return done.Task.GetAwaiter().GetResult();
    }

    // The C library's own functions would change every thread; the kernel's change the one that calls.
    private static unsafe void Become(uint user)
    {
        var (setGroups, setGid, setUid) = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? (116, 119, 117) : (159, 149, 147);
        Assert.Equal(0, Posix.syscall(setGroups, 1, (nint)(&user), 0, 0));
        Assert.Equal(0, Posix.syscall(setGid, (nint)user, (nint)user, (nint)user, 0));
        Assert.Equal(0, Posix.syscall(setUid, (nint)user, (nint)user, (nint)user, 0));
    }
}
