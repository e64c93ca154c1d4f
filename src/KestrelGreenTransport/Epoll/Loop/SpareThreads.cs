namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>
/// The threads of one loop that do not lead it now. The thread parked last is taken first, so that the others grow idle and
/// retire.
///
/// Their number is bounded: each thread that a handler holds belongs to an open connection, of any listener.
/// </summary>
internal sealed class SpareThreads(EventLoop loop, string name)
{
    // The loop continues a handler when it completes a read or a flush. A connection can wait for both, and so hold two threads.
    private const int ForEachConnection = 2;
    private const int Extra = 8;

    private readonly Lock _lock = new();
    private readonly List<LoopThread> _parked = [];
    private int _count;
    private bool _isRefused;
    private bool _isEnded;

    /// <summary>All threads of the loop: the leader, the parked, and those held by handlers.</summary>
    public int Count => Volatile.Read(ref _count);

    private int Limit => (ForEachConnection * loop.Connections.Count) + Extra;

    /// <summary>
    /// A thread that waits for a signal: parked or new. Null when there are too many already, or when the kernel refuses
    /// another: then the caller continues without one.
    /// </summary>
    public LoopThread? Take()
    {
        LoopThread thread;
        int number;
        lock (_lock)
        {
            if (_isEnded)
            {
                return null;
            }

            if (_parked.Count > 0)
            {
                thread = _parked[^1];
                _parked.RemoveAt(_parked.Count - 1);
                return thread;
            }

            if (_count >= Limit)
            {
                return null;
            }

            number = ++_count;
            thread = new LoopThread(loop);
        }

        return TryStart(thread, number) ? thread : null;
    }

    /// <summary>Puts back a thread that was taken but given no signal.</summary>
    public void Return(LoopThread thread)
    {
        lock (_lock)
        {
            if (!_isEnded)
            {
                _parked.Add(thread);
                return;
            }
        }

        thread.Tell(Signal.End);
    }

    /// <summary>For a thread that lost the loop: parks it. True: it leads again. False: it retires.</summary>
    public bool Park(LoopThread thread)
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return false;
            }

            _parked.Add(thread);
        }

        Interleaving.Point("a thread has parked");
        return Await(thread);
    }

    /// <summary>For the thread itself, parked or just started: waits for its signal. True: it leads. False: it ends.</summary>
    public bool Await(LoopThread thread)
    {
        while (true)
        {
            var told = thread.WaitForSignal(loop.Settings.SpareIdleLimit);
            Interleaving.Point("a spare was told something");
            switch (told)
            {
                case Signal.Lead:
                    return true;
                case Signal.TryOffer when loop.TryTakeOffer(thread):
                    return true;
                case Signal.End:
                    return false;
                case Signal.None when Retires(thread):
                    return false;
            }
        }
    }

    /// <summary>No thread leads again: all parked threads end, and the others when their handlers return.</summary>
    public void End()
    {
        LoopThread[] parked;
        lock (_lock)
        {
            _isEnded = true;
            parked = [.. _parked];
            _parked.Clear();
        }

        foreach (var thread in parked)
        {
            thread.Tell(Signal.End);
        }
    }

    private bool TryStart(LoopThread thread, int number)
    {
        try
        {
            thread.Start(number == 1 ? name : $"{name} +{number - 1}");
            _isRefused = false;
            return true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException && number > 1)
        {
            lock (_lock)
            {
                _count--;
            }

            // Logged once, not for each handler that blocks from now on.
            if (!_isRefused)
            {
                _isRefused = true;
                Log.SpareRefused(loop.Logger, exception, name, number - 1);
            }

            return false;
        }
    }

    // One stays, so that the first handler that blocks finds it even when no thread can be started. A thread that
    // was just taken is not parked any more, and gets its signal soon.
    private bool Retires(LoopThread thread)
    {
        lock (_lock)
        {
            if (_isEnded || _parked.Count <= 1 || !_parked.Remove(thread))
            {
                return false;
            }

            _count--;
            return true;
        }
    }
}
