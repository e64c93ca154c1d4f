using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace KestrelGreenTransport.WarmUp;

/// <summary>A connection in memory that tells when Kestrel is done with it.</summary>
internal sealed class Visitor(DefaultConnectionContext inner, TaskCompletionSource ended) : ConnectionContext
{
    public override string ConnectionId
    {
        get => inner.ConnectionId;
        set => inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => inner.Items;
        set => inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => inner.Transport;
        set => inner.Transport = value;
    }

    public override System.Net.EndPoint? LocalEndPoint
    {
        get => inner.LocalEndPoint;
        set => inner.LocalEndPoint = value;
    }

    public override System.Net.EndPoint? RemoteEndPoint
    {
        get => inner.RemoteEndPoint;
        set => inner.RemoteEndPoint = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => inner.ConnectionClosed;
        set => inner.ConnectionClosed = value;
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        inner.Abort(abortReason);
        inner.Application!.Output.Complete(abortReason);
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.Transport.Input.CompleteAsync();
        await inner.Transport.Output.CompleteAsync();
        await base.DisposeAsync();
        ended.TrySetResult();
    }
}
