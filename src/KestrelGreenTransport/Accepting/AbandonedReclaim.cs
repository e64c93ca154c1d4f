using System.Runtime.CompilerServices;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// Gets slots back from handlers that never complete and whose clients have left.
///
/// Such a connection ends when it is collected. A worker whose slots are all held that way serves no requests, so it
/// allocates nothing and would never collect: while a listener's pool is full, this asks for collections, at doubling
/// intervals. A collection does not touch handlers that are still running.
/// </summary>
internal sealed class AbandonedReclaim : IDisposable
{
    private static readonly TimeSpan FirstLook = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly ConnectionPool _pool;
    private readonly Func<IReadOnlyCollection<IServedConnection>> _connections;
    private readonly Action _collect;
    private readonly ITimer _timer;
    private TimeSpan _pause = FirstLook;
    private int _isWatching;

    /// <param name="pool">The listener's pool.</param>
    /// <param name="connections">All open connections, of any pool.</param>
    /// <param name="time">The clock.</param>
    /// <param name="collect">Asks for a collection; null for the runtime's own.</param>
    public AbandonedReclaim(ConnectionPool pool, Func<IReadOnlyCollection<IServedConnection>> connections, TimeProvider time, Action? collect = null)
    {
        (_pool, _connections) = (pool, connections);

        // In the background: no request waits for it.
        _collect = collect ?? (static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false));
        _timer = time.CreateTimer(static reclaim => ((AbandonedReclaim)reclaim!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        pool.Full += Watch;
    }

    public void Dispose()
    {
        _pool.Full -= Watch;
        _timer.Dispose();
    }

    // Accepting waits for a slot. Called on the accepting thread; the timer's thread does the work.
    private void Watch()
    {
        if (Interlocked.Exchange(ref _isWatching, 1) == 0)
        {
            _timer.Change(_pause, Timeout.InfiniteTimeSpan);
        }
    }

    private void Look()
    {
        // A busy server is full again and again, and some of its clients give up: the pauses still grow.
        var anyHasLeft = AnyHasLeft();
        if (!anyHasLeft)
        {
            _pause = FirstLook;
        }

        if (!_pool.IsFull)
        {
            Volatile.Write(ref _isWatching, 0);

            // The pool may have become full before we stopped watching.
            if (_pool.IsFull)
            {
                Watch();
            }

            return;
        }

        if (anyHasLeft)
        {
            _collect();
            _pause = TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
        }

        _timer.Change(_pause, Timeout.InfiniteTimeSpan);
    }

    // A separate method: what is on the stack of the thread that asks for a collection is not collected.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AnyHasLeft() => _connections().Any(one => one.Pool == _pool && one.HasLeft);
}
