namespace TransportWorker;

/// <summary>Takes every descriptor that the process may still open, and releases them again.</summary>
internal sealed class Descriptors
{
    private const int Threads = 8;

    private readonly Stack<FileStream> _open = new();

    /// <summary>Makes the thread pool start the threads that it will need.</summary>
    public static void StartThreads()
    {
        ThreadPool.SetMinThreads(Threads, Threads);
        ThreadPool.SetMaxThreads(Threads, Threads);
        using var all = new Barrier(Threads + 1);
        for (var i = 0; i < Threads; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static all => all.SignalAndWait(), all, preferLocal: false);
        }

        all.SignalAndWait();
    }

    public int Exhaust()
    {
        try
        {
            while (true)
            {
                _open.Push(new FileStream("/dev/null", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0));
            }
        }
        catch (IOException)
        {
            return _open.Count;
        }
    }

    public int Release()
    {
        var count = _open.Count;
        while (_open.TryPop(out var file))
        {
            file.Dispose();
        }

        return count;
    }
}
