namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>
/// How long .NET's thread-pool workers look for work before they sleep.
///
/// Kestrel starts every connection, and every HTTP/2 stream, on the thread pool, which is otherwise idle under this
/// transport. Each time, a pool worker then looks up to 60 times for more work, yielding the processor in between (measured:
/// 5 of the 11.2 system calls of a new connection; without them 1.7 times stock's connections per CPU-second instead of
/// 1.5). That pays while other processors are idle. On a single one, or beside sibling workers, it only takes time from
/// threads that have work.
/// </summary>
internal static class PoolSpin
{
    private const string Setting = "System.Threading.ThreadPool.UnfairSemaphoreSpinLimit";
    private const string Variable = "ThreadPool_UnfairSemaphoreSpinLimit";

    // On a single processor the runtime counts from 10, so no look is left. On several, a few short ones are.
    private const int Short = 10;

    /// <summary>Shortens the spin, unless it was set. To be called at process start: the pool reads it with its first worker.</summary>
    public static void Shorten(bool isWorker)
    {
        var isSet = AppContext.GetData(Setting) is not null
            || Environment.GetEnvironmentVariable($"DOTNET_{Variable}") is not null
            || Environment.GetEnvironmentVariable($"COMPlus_{Variable}") is not null;
        if (LimitFor(Environment.ProcessorCount, isWorker, isSet) is { } limit)
        {
            AppContext.SetData(Setting, limit);
        }
    }

    /// <summary>The limit to set, or null to leave it alone.</summary>
    public static int? LimitFor(int processors, bool isWorker, bool isSet) => !isSet && (isWorker || processors == 1) ? Short : null;
}
