using System.Diagnostics;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Epoll.Connection;

/// <summary>
/// A connection whose client has left and whose handler never completes.
///
/// The loop keeps a connection alive while an event may still come for it. Once the peer has gone, the app was told, and no
/// read or flush is waiting, none can: from then on the connection lives as long as something references its handler, as
/// over Kestrel's own transport. If nothing will ever continue the handler, it is collected, Kestrel logs that the
/// application never completed, and the connection closes itself.
/// </summary>
internal sealed partial class EpollConnection
{
    private readonly Lock _keeping = new();
    private Abandonment? _abandonment;
    private int _isLetGo;

    /// <summary>Whether the app was told that the connection has ended, but has not disposed it yet.</summary>
    bool IServedConnection.HasLeft => HasTold && Volatile.Read(ref _disposed) == 0;

    private bool IsOver => Reader.IsOver && !Writer.IsBlocked;

    /// <summary>A read or a flush now waits for the loop. Call after a memory barrier: the wait must be visible before this looks.</summary>
    public void OnWaits()
    {
        // Either this sees that the connection was let go, or LetGo sees the waiting read or flush.
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
        Abort(new ConnectionAbortedException("The application abandoned the connection."));
        var disposed = DisposeAsync().AsTask();
        Debug.Assert(disposed.IsCompleted, "The end of a connection waits although nothing can be sent any more and the app was told.");
    }

    /// <summary>
    /// Collected together with its connection and everything that only the connection kept alive. A separate object, so that
    /// a connection whose app completes costs no finalizer.
    /// </summary>
    private sealed class Abandonment(EpollConnection connection) : IDisposable
    {
        // On the pool: the app's logger must not hold up the finalizer thread.
        ~Abandonment() => ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.OnAbandoned(), connection, preferLocal: false);

        /// <summary>The app has completed.</summary>
        public void Dispose() => GC.SuppressFinalize(this);
    }
}
