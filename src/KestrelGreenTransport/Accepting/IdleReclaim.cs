using System.Net.Sockets;

namespace KestrelGreenTransport.Accepting;

/// <summary>
/// Keeps idle connections from locking other clients out: while a listener's pool is full and clients wait, the
/// connections that have been idle longest are ended, as many as clients wait.
///
/// Never chosen: a connection with a request in flight, with bytes to read, or used just now, whose next request is probably
/// on its way. Quiet means that nothing has arrived, request or not: over TLS, its arrival is all that shows of half a
/// request. A client that has not asked for anything yet has longer, because it came to ask. A connection of the app's own
/// connection handler is never chosen: only the handler knows what is idle there.
/// </summary>
internal sealed class IdleReclaim : IDisposable
{
    /// <summary>How long a connection must have been quiet.</summary>
    public static readonly TimeSpan LeastIdle = TimeSpan.FromMilliseconds(500);

    /// <summary>The same once part of the next request has arrived: the client may be slow, or a packet was lost.</summary>
    public static readonly TimeSpan LeastIdleInRequest = TimeSpan.FromSeconds(5);

    /// <summary>The longest that a connection without any request yet must have been quiet.</summary>
    public static readonly TimeSpan LongestUnasked = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    private readonly ListenerContext _listener;
    private readonly Func<IReadOnlyCollection<IServedConnection>> _connections;
    private readonly TimeProvider _time;
    private readonly TimeSpan _leastUnasked;
    private readonly ITimer _timer;
    private int _isWatching;

    /// <param name="listener">The listener whose pool is watched.</param>
    /// <param name="connections">All open connections, of any pool.</param>
    /// <param name="time">The clock.</param>
    /// <param name="keepAlive">How long Kestrel lets a connection be idle: the limit, too, for one without any request yet.</param>
    public IdleReclaim(ListenerContext listener, Func<IReadOnlyCollection<IServedConnection>> connections, TimeProvider time, TimeSpan keepAlive)
    {
        (_listener, _connections, _time) = (listener, connections, time);
        _leastUnasked = keepAlive < LongestUnasked ? keepAlive : LongestUnasked;
        _timer = time.CreateTimer(static reclaim => ((IdleReclaim)reclaim!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        listener.Pool.Full += Watch;
    }

    public void Dispose()
    {
        _listener.Pool.Full -= Watch;
        _timer.Dispose();
    }

    // Accepting waits for a slot. Called on the accepting thread; the timer's thread does the work.
    private void Watch()
    {
        if (Interlocked.Exchange(ref _isWatching, 1) == 0)
        {
            _timer.Change(TimeSpan.Zero, Tick);
        }
    }

    private void Look()
    {
        if (!_listener.Pool.IsFull)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Volatile.Write(ref _isWatching, 0);

            // The pool may have become full before we stopped watching.
            if (_listener.Pool.IsFull)
            {
                Watch();
            }

            return;
        }

        if (Waiting() is > 0 and var waiting)
        {
            EndIdle(waiting);
        }
    }

    private void EndIdle(long waiting)
    {
        var now = _time.GetTimestamp();
        var ended = 0;
        var quiet = _connections().Select(static one => (Connection: one, Since: one.Activity.QuietSince)).Where(one => IsIdle(one.Connection, one.Since, now));
        foreach (var (connection, since) in quiet.OrderBy(static one => one.Since))
        {
            if (ended == waiting)
            {
                break;
            }

            if (connection.Activity.IsMultiplexed ? connection.Activity.RequestClose() : connection.TryEndIdle(since))
            {
                ended++;
            }
        }

        if (ended > 0)
        {
            _listener.Reporter.Reclaimed(ended);
        }
    }

    // The check for HTTP and TLS comes last: after this long a quiet, no other thread is changing the features.
    private bool IsIdle(IServedConnection connection, long quietSince, long now) =>
        connection.Pool == _listener.Pool
        && !connection.Activity.IsBusy
        && _time.GetElapsedTime(quietSince, now) >= LeastQuiet(connection.Activity)
        && !connection.HasUnsent
        && (connection.Activity.ReachesHttp || TlsHandshake.IsOver(connection) is false);

    private TimeSpan LeastQuiet(ConnectionActivity activity)
    {
        if (activity.HasServed || activity.IsMultiplexed)
        {
            return activity.HasPartOfRequest ? LeastIdleInRequest : LeastIdle;
        }

        return activity.HasReceived && _leastUnasked < LeastIdleInRequest ? LeastIdleInRequest : _leastUnasked;
    }

    private long Waiting()
    {
        try
        {
            return _listener.Socket.Socket.Poll(0, SelectMode.SelectRead) ? Math.Max(1, _listener.Socket.Queued()) : 0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }
}
