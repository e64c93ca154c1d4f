using System.Runtime.InteropServices;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>Really runs code as another user: on a thread that becomes that user and ends. Only root can.</summary>
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

    // The C library's own functions would change every thread; the kernel's calls change only the calling thread.
    private static unsafe void Become(uint user)
    {
        var (setGroups, setGid, setUid) = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? (116, 119, 117) : (159, 149, 147);
        Assert.Equal(0, Posix.syscall(setGroups, 1, (nint)(&user), 0, 0));
        Assert.Equal(0, Posix.syscall(setGid, (nint)user, (nint)user, (nint)user, 0));
        Assert.Equal(0, Posix.syscall(setUid, (nint)user, (nint)user, (nint)user, 0));
    }
}
