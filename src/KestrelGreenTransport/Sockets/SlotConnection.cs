using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Accepting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.Sockets;

/// <summary>
/// A connection of Kestrel's socket factory, with all of its features, that gives its slot back when it is disposed.
/// Kestrel disposes every connection it was given, once it is done with it and its bytes are sent.
/// </summary>
internal sealed class SlotConnection : ConnectionContext, IServedConnection
{
    private readonly ConnectionContext _inner;
    private readonly Slot _slot;
    private readonly EndableReader _reader;
    private readonly ConcurrentDictionary<SlotConnection, byte> _all;

    /// <param name="inner">The connection itself.</param>
    /// <param name="slot">Held by it.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="time">For when it was idle.</param>
    /// <param name="all">Where it stands while it lives.</param>
    public SlotConnection(ConnectionContext inner, Slot slot, IMemoryPoolFeature memory, TimeProvider time, ConcurrentDictionary<SlotConnection, byte> all)
    {
        (_inner, _slot, _all) = (inner, slot, all);
        Activity = new ConnectionActivity(this, time);
        inner.Features.Set(Activity);
        inner.Features.Set(memory);
        _reader = new EndableReader(inner.Transport.Input);
        inner.Transport = new ReaderAndWriter(_reader, inner.Transport.Output);
        all.TryAdd(this, 0);
    }

    public ConnectionActivity Activity { get; }

    ConnectionPool IServedConnection.Pool => _slot.Pool;

    bool IServedConnection.HasUnconsumed => _reader.HasUnconsumed;

    long IServedConnection.Received => _reader.Reads;

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
            _all.TryRemove(this, out _);
            _slot.GiveBack();
        }
    }

    // .NET's transport sends what it holds before it ends, and does not tell how much that is.
    bool IServedConnection.HasUnsent => false;

    // As near to one step as this backend gets: what arrives between the look and Kestrel's close is lost.
    bool IServedConnection.TryEndIdle()
    {
        if (!_reader.IsWaiting || Activity.IsBusy || HasUnread())
        {
            return false;
        }

        _reader.EndWaiting();
        return true;
    }

    void IServedConnection.EndReading() => _reader.EndWaiting();

    void IServedConnection.CutOff() => Abort(new ConnectionAbortedException("The process stops, and GracefulTimeout is over."));

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

    private sealed record ReaderAndWriter(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
