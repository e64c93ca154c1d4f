using System.Diagnostics;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// A handler that never completes, whose client has left.
///
/// The loop keeps a connection for the sake of what may still happen to it. When the peer has gone, the app was told, no
/// read waits and no flush waits for room, nothing can: from then on it lives as long as something holds on to its handler,
/// as over Kestrel's own transport. A handler that nothing will ever continue is collected, Kestrel logs that the application
/// never completed, and the connection closes itself.
/// </summary>
internal sealed partial class EpollConnection
{
    private readonly Lock _keeping = new();
    private Abandonment? _abandonment;
    private int _isLetGo;

    /// <summary>Whether the app was told that the connection has ended, and is still at it.</summary>
    bool IServedConnection.HasLeft => HasTold && Volatile.Read(ref _disposed) == 0;

    private bool IsOver => Reader.IsOver && !Writer.IsBlocked;

    /// <summary>A read or a flush waits for the loop from now on. After a barrier: that it waits is seen before this looks.</summary>
    public void OnWaits()
    {
        // Either this sees that it was let go, or LetGo sees what waits.
        if (Volatile.Read(ref _isLetGo) != 0)
        {
            Keep();
        }
    }

    private void LetGo()
    {
        lock (_keeping)
        {
            if (_isLetGo != 0 || Volatile.Read(ref _disposed) != 0)
            {
                return;
            }

            Interlocked.Exchange(ref _isLetGo, 1);
            if (!IsOver)
            {
                _isLetGo = 0;
                return;
            }

            _abandonment ??= new Abandonment(this);
            _loop.Connections.LetGo(_index, this);
        }
    }

    private void Keep()
    {
        lock (_keeping)
        {
            if (_isLetGo != 0)
            {
                _isLetGo = 0;
                _loop.Connections.Keep(_index, this);
            }
        }
    }

    private void OnAbandoned()
    {
        if (Volatile.Read(ref _disposed) != 0)
        {
            return;
        }

        Log.Abandoned(_loop.Logger, ConnectionId, Activity.Handler, (long)_loop.Time.GetElapsedTime(Activity.BusySince).TotalSeconds);
        Abort(new ConnectionAbortedException("The application has abandoned the connection."));
        var disposed = DisposeAsync().AsTask();
        Debug.Assert(disposed.IsCompleted, "The end of a connection waits although nothing can be sent any more and the app was told.");
    }

    /// <summary>
    /// Collected together with its connection, and with whatever that alone has kept alive. Its own object, so that a
    /// connection whose app completes costs no finalizer.
    /// </summary>
    private sealed class Abandonment(EpollConnection connection) : IDisposable
    {
        // The pool, for the app's logger must not hold up the finalizers of the process.
        ~Abandonment() => ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.OnAbandoned(), connection, preferLocal: false);

        /// <summary>The app has completed.</summary>
        public void Dispose() => GC.SuppressFinalize(this);
    }
}
