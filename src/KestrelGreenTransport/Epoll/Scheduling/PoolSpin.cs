namespace KestrelGreenTransport.Epoll.Scheduling;

/// <summary>
/// How long .NET's thread-pool workers look for work before they sleep.
///
/// Kestrel starts every connection, and every stream of HTTP/2, on the thread pool, which is otherwise idle under this
/// transport: each time a worker then asks up to 60 times for more, giving up the processor in between (seen: 5 of 11.2
/// system calls of a new connection; without them 1.7 times stock's connections per CPU-second instead of 1.5). That pays
/// where other processors are idle. On a single one, or beside sibling workers, it only takes time from those who have work.
/// </summary>
internal static class PoolSpin
{
    private const string Setting = "System.Threading.ThreadPool.UnfairSemaphoreSpinLimit";
    private const string Variable = "ThreadPool_UnfairSemaphoreSpinLimit";

    // The runtime counts from 10 on a single processor: not one look is left. On several a few short ones are.
    private const int Short = 10;

    /// <summary>Shortens it, unless somebody has set it. For the start of the process: the pool reads it with its first worker.</summary>
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
