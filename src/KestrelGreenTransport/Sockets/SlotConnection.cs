using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Sockets;

/// <summary>
/// A connection of Kestrel's socket factory, with all of its features, that gives its slot back when it is disposed.
/// Kestrel disposes every connection that it was given, once it is done with it and its bytes are sent.
///
/// Nothing here keeps it alive: it lives as long as its socket waits for something, or its app references it. If nothing
/// will ever continue its handler and its client has left, it is collected with the handler.
/// </summary>
internal sealed class SlotConnection : ConnectionContext, IServedConnection
{
    private readonly ConnectionContext _inner;
    private readonly Slot _slot;
    private readonly TimeProvider _time;
    private readonly EndableReader _reader;
    private readonly ConcurrentDictionary<WeakReference<SlotConnection>, byte> _all;
    private readonly WeakReference<SlotConnection> _self;
    private readonly ILogger _logger;

    /// <param name="inner">Kestrel's connection.</param>
    /// <param name="slot">The slot that it holds.</param>
    /// <param name="memory">Its memory pool.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Logs an app that never completes, and exceptions of its callbacks.</param>
    /// <param name="all">The open connections, to which this one adds itself.</param>
    public SlotConnection(
        ConnectionContext inner, Slot slot, IMemoryPoolFeature memory, TimeProvider time, ILogger logger, ConcurrentDictionary<WeakReference<SlotConnection>, byte> all)
    {
        (_inner, _slot, _time, _logger, _all) = (inner, slot, time, logger, all);
        _self = new WeakReference<SlotConnection>(this);
        Activity = new ConnectionActivity(this, time, logger);
        inner.Features.Set(Activity);
        inner.Features.Set(memory);
        _reader = new EndableReader(inner.Transport.Input, Activity);
        inner.Transport = new ReaderAndWriter(_reader, inner.Transport.Output);
        all.TryAdd(_self, 0);
    }

    // On the pool: the app's logger must not hold up the finalizer thread.
    ~SlotConnection() => ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.OnAbandoned(), this, preferLocal: false);

    public ConnectionActivity Activity { get; }

    ConnectionPool IServedConnection.Pool => _slot.Pool;

    bool IServedConnection.HasUnconsumed => _reader.HasUnconsumed;

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _inner.Transport;
        set => _inner.Transport = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => _inner.ConnectionClosed;
        set => _inner.ConnectionClosed = value;
    }

    public override void Abort() => _inner.Abort();

    public override void Abort(ConnectionAbortedException abortReason) => _inner.Abort(abortReason);

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await _inner.DisposeAsync();
            await base.DisposeAsync();
        }
        finally
        {
            _all.TryRemove(_self, out _);
            _slot.GiveBack();
            GC.SuppressFinalize(this);
        }
    }

    bool IServedConnection.HasLeft => _inner.ConnectionClosed.IsCancellationRequested;

    // .NET's transport sends what it holds before it ends, and does not say how much that is.
    bool IServedConnection.HasUnsent => false;

    // As close to one step as this backend gets: what arrives between the check and Kestrel's close is lost.
    bool IServedConnection.TryEndIdle(long quietSince)
    {
        if (!_reader.IsWaiting || _reader.HasUnconsumed || Activity.IsBusy || Activity.QuietSince != quietSince || HasUnread())
        {
            return false;
        }

        _reader.EndWaiting();
        return true;
    }

    void IServedConnection.EndReading() => _reader.EndWaiting();

    void IServedConnection.CutOff() => Abort(new ConnectionAbortedException("The process is stopping, and GracefulTimeout is over."));

    private bool HasUnread()
    {
        try
        {
            return Features.Get<IConnectionSocketFeature>() is { Socket.Available: > 0 };
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            return false;
        }
    }

    private void OnAbandoned()
    {
        Log.Abandoned(_logger, ConnectionId, Activity.Handler, (long)_time.GetElapsedTime(Activity.BusySince).TotalSeconds);
        _inner.Abort(new ConnectionAbortedException("The application abandoned the connection."));
        _all.TryRemove(_self, out _);
        _slot.GiveBack();
    }

    private sealed record ReaderAndWriter(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
