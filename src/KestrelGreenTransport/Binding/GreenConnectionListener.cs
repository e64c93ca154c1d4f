using System.Net;
using KestrelGreenTransport.WarmUp;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Binding;

/// <summary>
/// One endpoint of the app, as Kestrel sees it.
///
/// AcceptAsync returns null only after unbind, and throws only when the caller's own token is cancelled.
/// </summary>
internal sealed class GreenConnectionListener(SharedListener listener, InMemoryListener? inMemory = null) : IConnectionListener
{
    private readonly CancellationTokenSource _unbound = new();
    private Task<ConnectionContext?>? _accepting;
    private int _unbinding;
    private int _disposing;

    public EndPoint EndPoint => listener.Socket.EndPoint;

    public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        inMemory is { IsClosed: false } || _accepting is not null ? AcceptEitherAsync(inMemory!, cancellationToken) : AcceptFromSocketAsync(cancellationToken);

    // A warm-up connection must not lose one that is being accepted from the socket: that accept is kept for the next
    // call. Kestrel asks for one connection after the other.
    private async ValueTask<ConnectionContext?> AcceptEitherAsync(InMemoryListener warmUp, CancellationToken cancellationToken)
    {
        _accepting ??= AcceptFromSocketAsync(cancellationToken).AsTask();
        while (!_accepting.IsCompleted && !warmUp.IsClosed)
        {
            if (warmUp.Next() is { } connection)
            {
                return connection;
            }

            await Task.WhenAny(_accepting, warmUp.WaitAsync());
        }

        var accepted = await _accepting;
        _accepting = null;
        return accepted;
    }

    // Kestrel gives no token that can be cancelled: then the acceptor's own task is enough.
    private ValueTask<ConnectionContext?> AcceptFromSocketAsync(CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled ? AcceptUntilCancelledAsync(cancellationToken) : listener.Acceptor.AcceptAsync(_unbound.Token);

    private async ValueTask<ConnectionContext?> AcceptUntilCancelledAsync(CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
        var connection = await listener.Acceptor.AcceptAsync(linked.Token);
        if (connection is null && Volatile.Read(ref _unbinding) == 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        return connection;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        // If other endpoints still accept here, only our own wait is ended. The last endpoint's wait ends by itself, once
        // every accepted connection is handed out.
        if (Interlocked.Exchange(ref _unbinding, 1) == 0 && !await listener.UnbindAsync())
        {
            await _unbound.CancelAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync(CancellationToken.None);
        if (Interlocked.Exchange(ref _disposing, 1) == 0)
        {
            await listener.DisposeAsync();
        }
    }
}
