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
                ThreadCredentials.Become(user, user, [user]);
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
}
