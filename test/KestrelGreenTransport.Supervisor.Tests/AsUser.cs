using KestrelGreenTransport.Native;

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
        Assert.Equal(0, SystemCalls.Make(SystemCall.setgroups, 1, (nint)(&user)).Value);
        Assert.Equal(0, SystemCalls.Make(SystemCall.setresgid, (nint)user, (nint)user, (nint)user).Value);
        Assert.Equal(0, SystemCalls.Make(SystemCall.setresuid, (nint)user, (nint)user, (nint)user).Value);
    }
}
